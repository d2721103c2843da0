"""Functions of one array, element by element."""

from .elementwise import unary

unary("relu", numpy=lambda env, x, out: env.xp.maximum(x, x.dtype.type(0), out=out), cuda="y = x > 0 ? x : 0",
      gradient=lambda F, dy, y, _x: dy * (y > 0))
unary("negative", numpy="negative", cuda="y = -x", gradient=lambda F, dy, _y, _x: -dy)
unary("zeros_like", numpy=lambda env, x, out: env.xp.zeros_like(x) if out is None else env.xp.multiply(x, 0, out=out),
      gradient=lambda F, dy, _y, _x: F.zeros_like(dy))
unary("exp", numpy="exp", cuda="y = exp(x)", gradient=lambda F, dy, y, _x: dy * y)
unary("log", numpy="log", cuda="y = log(x)", gradient=lambda F, dy, _y, x: dy / x)

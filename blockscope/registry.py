"""Registries of classes that can be made from a name, a dictionary or JSON text (``mx.registry``).

Initializers and metrics use it; a program can open a registry for its own base class with the same three functions.
"""
import json
import warnings

__all__ = ["get_alias_func", "get_create_func", "get_register_func", "get_registry"]

_REGISTRY: dict[type, dict[str, type]] = {}


def get_registry(base_class):
    """Return a copy of the registry of a base class: classes by lower-case name.

    Examples
    --------
    >>> import blockscope as mx
    >>> mx.registry.get_registry(mx.init.Initializer)["xavier"].__name__
    'Xavier'
    """
    return _REGISTRY.setdefault(base_class, {}).copy()


def registered(base_class, name):
    """Return the class registered under a lower-case name, or None."""
    return _REGISTRY.get(base_class, {}).get(name)


def get_register_func(base_class, nickname):
    """Return a function ``register(klass, name=None)`` that enters subclasses of a base class.

    Parameters
    ----------
    base_class : type
        What may be registered.
    nickname : str
        How messages call it.
    """
    registry = _REGISTRY.setdefault(base_class, {})

    def register(klass, name=None):
        if not (isinstance(klass, type) and issubclass(klass, base_class)):
            raise AssertionError(f"Can only register subclass of {base_class.__name__}")
        name = (klass.__name__ if name is None else name).lower()
        if name in registry and registry[name] is not klass:
            old = registry[name]
            warnings.warn(f"\033[91mNew {nickname} {klass.__module__}.{klass.__name__} registered with name {name} is "
                          f"overriding existing {nickname} {old.__module__}.{old.__name__}\033[0m", UserWarning, stacklevel=2)
        registry[name] = klass
        return klass
    register.__doc__ = f"Register {nickname} to the {nickname} factory"
    return register


def get_alias_func(base_class, nickname):
    """Return a function ``alias(*names)`` that makes a class decorator entering the class under more names."""
    register = get_register_func(base_class, nickname)

    def alias(*aliases):
        def enter(klass):
            for name in aliases:
                register(klass, name)
            return klass
        return enter
    return alias


def get_create_func(base_class, nickname):
    """Return a function that makes an object from an instance, a name with arguments, a dictionary, or JSON text."""
    registry = _REGISTRY.setdefault(base_class, {})

    def create(*args, **kwargs):
        name, *args = args if args else (kwargs.pop(nickname),)
        if isinstance(name, base_class):
            if args or kwargs:
                raise AssertionError(f"{nickname} is already an instance. Additional arguments are invalid")
            return name
        if isinstance(name, dict):
            return create(**name)
        if not isinstance(name, str):
            raise AssertionError(f"{nickname} must be of string type")
        if name[:1] in ("[", "{"):
            if args or kwargs:
                raise AssertionError(f"{nickname} is given as JSON text, which holds its arguments. Additional arguments are invalid")
            if name[0] == "{":
                return create(**json.loads(name))
            name, kwargs = json.loads(name)
            return create(name, **kwargs)
        klass = registry.get(name.lower())
        if klass is None:
            raise AssertionError(f"{name.lower()} is not registered. Please register with {nickname}.register first")
        return klass(*args, **kwargs)
    create.__doc__ = f"""Create a {nickname} instance from config.

    Parameters
    ----------
    {nickname} : str or {base_class.__name__} instance
        Name of the class, or JSON text with name and arguments; an instance is returned itself.
    **kwargs : dict
        Arguments of the class.
    """
    return create

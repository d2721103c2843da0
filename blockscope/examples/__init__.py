"""Programs to read, run and copy: ``python -m blockscope train`` runs the first of them."""

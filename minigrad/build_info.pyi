compiler: str
cython_version: str
checks: bool  # built with MINIGRAD_DEBUG=1

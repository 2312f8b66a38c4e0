"""What the compiled modules were built with, in the words of the compiler's own macros."""

cdef extern from *:
    """
    #if defined(__clang__)
    #define MINIGRAD_COMPILER "Clang " __clang_version__
    #elif defined(__GNUC__)
    #define MINIGRAD_COMPILER "GCC " __VERSION__
    #elif defined(_MSC_VER)
    #define MINIGRAD_COMPILER "MSVC"
    #else
    #define MINIGRAD_COMPILER "unknown"
    #endif
    """
    const char* MINIGRAD_COMPILER
    const bint MINIGRAD_CHECKS  # setup.py defines it
    const unsigned int CYTHON_HEX_VERSION  # 0x030301F0 is 3.3.1

compiler = MINIGRAD_COMPILER.decode().strip()
cython_version = ".".join(str(CYTHON_HEX_VERSION >> shift & 255) for shift in (24, 16, 8))
checks = bool(MINIGRAD_CHECKS)

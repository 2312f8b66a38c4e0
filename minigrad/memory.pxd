cdef object reuse_for(list arrays)
cdef set_handler(handler)

/* A vector of numbers, as GCC and Clang have them; for other compilers it is a single number. */

#ifdef __GNUC__
typedef real NAME(vector) __attribute__((vector_size(BYTES), aligned(sizeof(real)), may_alias));
typedef integer NAME(mask) __attribute__((vector_size(BYTES)));
#else
typedef real NAME(vector);
#endif

/* All templates of one instruction set for one element type, and its vector of numbers, as GCC and Clang have
   them; for other compilers it is a single number. templates.h includes this file. */

#ifdef __GNUC__
typedef real NAME(vector) __attribute__((vector_size(BYTES), aligned(sizeof(real)), may_alias));
typedef integer NAME(mask) __attribute__((vector_size(BYTES)));
#else
typedef real NAME(vector);
#endif

#include "block.h"
#include "move.h"
#include "pool.h"
#include "plane.h"
#include "winograd.h"
#include "elementwise.h"

#undef real
#undef integer
#undef EACH

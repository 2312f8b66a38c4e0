/* All templates of one instruction set, for both element types. simd.h includes this file. */

#define real float
#define integer int32_t
#define EACH EACH_FLOAT
#include "vector.h"

#define real double
#define integer int64_t
#define EACH EACH_DOUBLE
#include "vector.h"

/* n times 12 multiply-adds of vectors that wait for nothing but the unit that does them. Returns how
   many numbers were multiplied and added: with the time it took, the limit of this machine. */
TARGET static double PASTE(multiply_adds, ISA, float)(ptrdiff_t n)
{
    PASTE(vector, ISA, float) sum[12], zero = {0}, slope = zero + 0.5f, step = zero + 1.0f;
    for (int i = 0; i < 12; i++) sum[i] = zero + (i + 3.0f);
    for (ptrdiff_t k = 0; k < n; k++)
        UNROLL for (int i = 0; i < 12; i++) sum[i] = sum[i] * slope + step;
    float seen = 0; /* what nobody sees is not computed */
    for (int i = 0; i < 12; i++) seen += *(float *)(sum + i);
    return seen < 0 ? 0 : 12. * n * BYTES / sizeof(float);
}

static const instruction_set PASTE(instructions, of, ISA) = INSTRUCTIONS(ISA);

#undef ISA
#undef NARROWER
#undef TARGET
#undef BYTES
#undef EACH_FLOAT
#undef EACH_DOUBLE
#undef REGISTERS

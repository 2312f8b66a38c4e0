/* block.h for each instruction set and element type, and the choice among them at run time.

   One build runs on every machine: the code for wider vectors is compiled beside the compiler's
   baseline, and entered only where the processor and the operating system have them.
   ROWS * VECTORS accumulators, VECTORS vectors of b and one broadcast must fit into the vector
   registers, of which there are 16, or 32 with AVX-512. */

#ifndef MINIGRAD_BLOCKS_H
#define MINIGRAD_BLOCKS_H

#include <stddef.h>
#include <string.h>

#ifdef __GNUC__
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#else
#define ALWAYS_INLINE static inline
#define UNROLL
#endif

#define PASTE3(stem, isa, type) stem##_##isa##_##type
#define PASTE(stem, isa, type) PASTE3(stem, isa, type)

#define BLOCK(type) \
    void (*type##_block)(int rows, int vectors, ptrdiff_t n, \
                         const type *a, const ptrdiff_t *row, const ptrdiff_t *col, \
                         const type *b, const ptrdiff_t *step, type *out, ptrdiff_t pitch)

enum { MAX_ROWS = 12, MAX_WIDTH = 32 }; /* of a block, in numbers, on any instruction set */

typedef struct {
    const char *name;
    int rows, vectors;             /* of the largest block */
    int float_lanes, double_lanes; /* numbers in a vector */
    BLOCK(float);
    BLOCK(double);
} instruction_set;

#define DEFINE_INSTRUCTION_SET(isa) \
    static const instruction_set isa##_instructions = { \
        #isa, ROWS, VECTORS, \
        sizeof(vector_##isa##_float) / sizeof(float), \
        sizeof(vector_##isa##_double) / sizeof(double), \
        block_##isa##_float, block_##isa##_double};

#define ISA baseline
#define TARGET
#define BYTES 16
#define ROWS 4
#define VECTORS 2
#define real float
#include "block.h"
#define real double
#include "block.h"
DEFINE_INSTRUCTION_SET(baseline)

#if defined(__GNUC__) && defined(__x86_64__)
#undef ISA
#undef TARGET
#undef BYTES
#undef VECTORS
#define ISA avx2
#define TARGET __attribute__((target("avx2,fma")))
#define BYTES 32
#define VECTORS 3
#define real float
#include "block.h"
#define real double
#include "block.h"
DEFINE_INSTRUCTION_SET(avx2)

#undef ISA
#undef TARGET
#undef BYTES
#undef ROWS
#undef VECTORS
#define ISA avx512
#define TARGET __attribute__((target("avx512f,avx2,fma")))
#define BYTES 64
#define ROWS 12
#define VECTORS 2
#define real float
#include "block.h"
#define real double
#include "block.h"
DEFINE_INSTRUCTION_SET(avx512)

#define HAS_AVX2 (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#define HAS_AVX512 (HAS_AVX2 && __builtin_cpu_supports("avx512f"))
#endif

/* The instruction set of that name, or with "", the best one; NULL where this machine lacks it. */
static const instruction_set *find_instruction_set(const char *name)
{
#ifdef HAS_AVX512
    if (HAS_AVX512 && (!*name || !strcmp(name, "avx512")))
        return &avx512_instructions;
    if (HAS_AVX2 && (!*name || !strcmp(name, "avx2")))
        return &avx2_instructions;
#endif
    return !*name || !strcmp(name, "baseline") ? &baseline_instructions : NULL;
}

#endif

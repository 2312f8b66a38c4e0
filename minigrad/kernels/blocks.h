/* block.h for each instruction set and element type, and the choice among them at run time.

   One build runs on every machine: the code for wider vectors is compiled beside the compiler's
   baseline, and entered only where the processor and the operating system have them. */

#ifndef MINIGRAD_BLOCKS_H
#define MINIGRAD_BLOCKS_H

#include <stddef.h>
#include <string.h>

#ifdef __GNUC__
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")
#else
#define ALWAYS_INLINE static inline
#define UNROLL
#endif

#define PASTE3(stem, isa, type) stem##_##isa##_##type
#define PASTE(stem, isa, type) PASTE3(stem, isa, type)

enum { MAX_ROWS = 8, MAX_COLUMNS = 4, MAX_BYTES = 64 }; /* of a block, and of a vector */

/* The sums, a number of a, broadcast, and the columns of b fit into the vector registers. */
#define FITS(rows, columns, registers) (((rows) + 1) * (columns) < (registers))

#define ARGUMENTS(type) \
    ptrdiff_t n, const type *a, const ptrdiff_t *row, const ptrdiff_t *a_step, \
    const type *b, const ptrdiff_t *column, const ptrdiff_t *b_step, \
    type *out, ptrdiff_t pitch, int add

typedef struct {
    const char *name;
    int registers;                 /* that hold a vector */
    int float_lanes, double_lanes; /* numbers in a vector */
    void (*float_block)(int rows, int columns, int pairs, ARGUMENTS(float));
    void (*double_block)(int rows, int columns, int pairs, ARGUMENTS(double));
} instruction_set;

#define DEFINE_INSTRUCTION_SET(isa) \
    static const instruction_set isa##_instructions = { \
        #isa, REGISTERS, \
        sizeof(vector_##isa##_float) / sizeof(float), \
        sizeof(vector_##isa##_double) / sizeof(double), \
        block_##isa##_float, block_##isa##_double};

#define ISA baseline
#define TARGET
#define BYTES 16
#define REGISTERS 14 /* of 16: without fused multiply-add, products need room too */
#define real float
#include "block.h"
#define real double
#include "block.h"
DEFINE_INSTRUCTION_SET(baseline)

#if defined(__GNUC__) && defined(__x86_64__)
#undef ISA
#undef TARGET
#undef BYTES
#undef REGISTERS
#define ISA avx2
#define TARGET __attribute__((target("avx2,fma")))
#define BYTES 32
#define REGISTERS 16
#define real float
#include "block.h"
#define real double
#include "block.h"
DEFINE_INSTRUCTION_SET(avx2)

#undef ISA
#undef TARGET
#undef BYTES
#undef REGISTERS
#define ISA avx512
#define TARGET __attribute__((target("avx512f,avx2,fma")))
#define BYTES 64
#define REGISTERS 32
#define real float
#include "block.h"
#define real double
#include "block.h"
DEFINE_INSTRUCTION_SET(avx512)

#define HAS_AVX2 (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#define HAS_AVX512 (HAS_AVX2 && __builtin_cpu_supports("avx512f"))
#endif

/* The instruction set of that name, or with "" the best one; NULL where this machine lacks it. */
static inline const instruction_set *find_instruction_set(const char *name)
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

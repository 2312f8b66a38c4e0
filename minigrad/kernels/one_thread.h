/* A parallel region of one thread needs no team.

   GCC's OpenMP makes one all the same, with memory of its own and a system call, which takes as long as a
   small kernel: LeNet-5 for one image 0.195 / 0.180 ms, a training step of the MLP 0.207 / 0.191. setup.py
   includes this file everywhere and lets the linker send the calls of GOMP_parallel here. */

#include <omp.h>

void __real_GOMP_parallel(void (*work)(void *), void *data, unsigned threads, unsigned flags);

__attribute__((visibility("hidden")))
void __wrap_GOMP_parallel(void (*work)(void *), void *data, unsigned threads, unsigned flags)
{
    if (threads == 1 && !omp_in_parallel())
        work(data);
    else
        __real_GOMP_parallel(work, data, threads, flags);
}

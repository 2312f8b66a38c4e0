/* What is done with every number on its own. A template like block.h: these loops are written for one
   number, and for the vectors of an instruction set the compiler knows what to do.

   Both candidates are read before a choice: the compiler may not read what the source does not, and
   would branch around it, mispredicting wherever the sign changes. */

TARGET static void NAME(relu)(ptrdiff_t n, const void *numbers, void *result)
{
    const real *x = numbers;
    real *y = result;
    for (ptrdiff_t i = 0; i < n; i++) {
        real number = x[i];
        y[i] = number < 0 ? 0 : number;
    }
}

TARGET static void NAME(relu_grad)(ptrdiff_t n, const void *slopes, const void *outputs, void *result)
{
    const real *g = slopes, *y = outputs;
    real *dx = result;
    for (ptrdiff_t i = 0; i < n; i++) {
        real number = g[i];
        dx[i] = y[i] <= 0 ? 0 : number;
    }
}

/* With vectors as wide as the machine has them, the parameters of a small network, which fit into the
   second cache, take a third of the time (the MLP's step). */
TARGET static void NAME(sgd)(ptrdiff_t n, const sgd_rule *rule, void *parameters, const void *slopes, void *averages)
{
    real *p = parameters, *v = averages;
    const real *g = slopes;
    const real lr = (real)rule->lr, momentum = (real)rule->momentum, decay = (real)rule->weight_decay;
    const real scale = (real)rule->scale, sign = (real)rule->sign;
    const real least = sizeof(real) == sizeof(float) ? (real)FLT_MIN : (real)DBL_MIN;
    for (ptrdiff_t i = 0; i < n; i++) {
        real d = sign * g[i];
        if (decay != 0)
            d = d + decay * p[i];
        if (momentum != 0) {
            real average = momentum * v[i] + scale * d;
            /* never 0 by itself, and processors take a hundred cycles for such numbers */
            v[i] = average = -least < average && average < least ? 0 : average;
            d = rule->nesterov ? d + momentum * average : average;
        }
        p[i] = p[i] - lr * d;
    }
}

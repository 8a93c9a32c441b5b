/* Sums over what the walk found: forward_backward (decode.py). */

#pragma once
#include "model.h"

typedef struct {
    Array source, target, edge, log_lm, sentences, nodes, score;
    double *likelihood, *posterior; /* one a sentence, one an edge */
    double *forward, *backward;
} Sums;

/* log(exp(a) + exp(b)) without overflow. */
static double log_add(double a, double b)
{
    if (a < b) {
        double swap = a;
        a = b;
        b = swap;
    }
    return b == -INFINITY ? a : a + log1p(exp(b - a));
}

static double arc_weight(const Sums *sums, size_t arc)
{
    int32_t edge = AT(sums->edge, int32_t)[arc];
    return AT(sums->log_lm, double)[arc] + (edge != END_OF_SENTENCE ? AT(sums->score, double)[edge] : 0.0);
}

/* Sums of one sentence: its arcs from ``low`` to ``high``, its nodes from ``first`` to ``stop``. */
static Error sum_sentence(const Sums *sums, size_t low, size_t high, size_t first, size_t stop, double *total)
{
    const uint32_t *sources = AT(sums->source, uint32_t), *targets = AT(sums->target, uint32_t);
    const int32_t *edges = AT(sums->edge, int32_t);
    double *forward = sums->forward, *backward = sums->backward;
    size_t nodes = stop - first;

    for (size_t n = 0; n < nodes; n++) forward[n] = backward[n] = -INFINITY;
    forward[0] = 0.0;
    for (size_t arc = low; arc < high; arc++) {
        size_t source = (size_t)sources[arc] - first, target = (size_t)targets[arc] - first; /* too large if negative */
        int32_t edge = edges[arc];
        if (source >= nodes || target >= nodes) return BAD_GRAPH;
        if (edge != END_OF_SENTENCE && (edge < 0 || (size_t)edge >= sums->score.size)) return BAD_GRAPH;
        forward[target] = log_add(forward[target], forward[source] + arc_weight(sums, arc));
    }
    *total = forward[nodes - 1];
    backward[nodes - 1] = 0.0;
    for (size_t arc = high; arc-- > low;) { /* checked above */
        size_t source = sources[arc] - first, target = targets[arc] - first;
        double beyond = backward[target] + arc_weight(sums, arc);
        backward[source] = log_add(backward[source], beyond);
        if (edges[arc] != END_OF_SENTENCE && beyond != -INFINITY)
            sums->posterior[edges[arc]] += exp(forward[source] + beyond - *total);
    }
    return NULL;
}

static Error sum_text(Sums *sums)
{
    const uint32_t *arcs = AT(sums->sentences, uint32_t), *nodes = AT(sums->nodes, uint32_t);
    size_t count = sums->sentences.size - 1, arcs_size = sums->source.size, most = 0;

    if (!sums->sentences.size || sums->nodes.size != sums->sentences.size) return BAD_GRAPH;
    if (sums->target.size != arcs_size || sums->edge.size != arcs_size || sums->log_lm.size != arcs_size) return BAD_GRAPH;
    for (size_t n = 0; n < count; n++) {
        if (arcs[n] > arcs[n + 1] || arcs[n + 1] > arcs_size || nodes[n] >= nodes[n + 1]) return BAD_GRAPH;
        if (nodes[n + 1] - nodes[n] > most) most = nodes[n + 1] - nodes[n];
    }
    if (most > 2 * arcs_size + 2 * count) return BAD_GRAPH; /* nodes without arcs: room for them would be wasted */
    sums->forward = malloc((most + 1) * sizeof(double));
    sums->backward = malloc((most + 1) * sizeof(double));
    if (!sums->forward || !sums->backward) return NO_MEMORY;
    for (size_t n = 0; n < count; n++)
        TRY(sum_sentence(sums, arcs[n], arcs[n + 1], nodes[n], nodes[n + 1], &sums->likelihood[n]));
    return NULL;
}

static PyObject *forward_backward(PyObject *module, PyObject *args)
{
    Held held = {.count = 0};
    Sums s = {.forward = NULL};
    PyObject *likelihood = NULL, *posterior = NULL, *result = NULL;
    Error error;

    if (take(&held, args, "IIidIId", &s.source, &s.target, &s.edge, &s.log_lm, &s.sentences, &s.nodes, &s.score) &&
        (likelihood = new_doubles(s.sentences.size ? s.sentences.size - 1 : 0, &s.likelihood)) &&
        (posterior = new_doubles(s.score.size, &s.posterior))) {
        Py_BEGIN_ALLOW_THREADS
        error = sum_text(&s);
        Py_END_ALLOW_THREADS
        if (raise(error) == 0) result = PyTuple_Pack(2, likelihood, posterior);
    }
    free(s.forward);
    free(s.backward);
    Py_XDECREF(likelihood);
    Py_XDECREF(posterior);
    release(&held);
    return result;
}

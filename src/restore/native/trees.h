/* The second opinion: sum_trees (rerank.py). */

#pragma once
#include "model.h"

typedef struct {
    Array roots, feature, threshold, left, right, table;
    int rows;
    double baseline, *found;
} Trees;

/* A node asks whether a feature of the row is at most its threshold; what the leaves say is summed. */
static Error sum_row(const Trees *trees, const double *row, size_t columns, double *total)
{
    size_t nodes = trees->feature.size;

    *total = trees->baseline;
    for (size_t n = 0; n < trees->roots.size; n++) {
        size_t node = AT(trees->roots, uint32_t)[n];
        int32_t column;
        if (node >= nodes) return BAD_TREE;
        while ((column = AT(trees->feature, int32_t)[node]) >= 0) {
            if ((size_t)column >= columns) return BAD_TREE;
            int less = row[column] <= AT(trees->threshold, double)[node];
            size_t next = AT(less ? trees->left : trees->right, uint32_t)[node];
            if (next <= node || next >= nodes) return BAD_TREE; /* children come later, so every walk ends */
            node = next;
        }
        *total += AT(trees->threshold, double)[node];
    }
    return NULL;
}

static Error sum_rows(const Trees *trees)
{
    size_t nodes = trees->feature.size, rows = (size_t)trees->rows, columns = rows ? trees->table.size / rows : 0;

    if (trees->threshold.size != nodes || trees->left.size != nodes || trees->right.size != nodes) return BAD_TREE;
    for (size_t n = 0; n < rows; n++)
        TRY(sum_row(trees, AT(trees->table, double) + n * columns, columns, &trees->found[n]));
    return NULL;
}

static PyObject *sum_trees(PyObject *module, PyObject *args)
{
    Held held = {.count = 0};
    Trees t;
    PyObject *found = NULL;
    Error error;

    if (take(&held, args, "IidIId#.", &t.roots, &t.feature, &t.threshold, &t.left, &t.right, &t.table, &t.rows, &t.baseline) &&
        t.rows >= 0 && (found = new_doubles((size_t)t.rows, &t.found))) {
        Py_BEGIN_ALLOW_THREADS
        error = sum_rows(&t);
        Py_END_ALLOW_THREADS
        if (raise(error) < 0) Py_CLEAR(found);
    } else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "fewer than no rows");
    }
    release(&held);
    return found;
}

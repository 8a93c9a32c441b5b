/* The second opinion: sum_trees (rerank.py). */

#pragma once
#include "model.h"

typedef struct {
    Array roots, feature, threshold, left, right, table;
    int rows;
    double baseline, *found;
} Trees;

/* A node asks whether a feature of the row is at most its threshold. */
static Error leaf_of(const Trees *trees, size_t node, const double *row, size_t columns, double *leaf)
{
    size_t nodes = trees->feature.size;
    int32_t column;

    while ((column = AT(trees->feature, int32_t)[node]) >= 0) {
        if ((size_t)column >= columns) return BAD_TREE;
        int less = row[column] <= AT(trees->threshold, double)[node];
        size_t next = AT(less ? trees->left : trees->right, uint32_t)[node];
        if (next <= node || next >= nodes) return BAD_TREE; /* children come later, so every walk ends */
        node = next;
    }
    *leaf = AT(trees->threshold, double)[node];
    return NULL;
}

/* What the leaves say is summed, a tree at a time: it stays in the cache while all rows walk down it. */
static Error sum_rows(const Trees *trees)
{
    size_t nodes = trees->feature.size, rows = (size_t)trees->rows, columns = rows ? trees->table.size / rows : 0;
    double leaf;

    if (trees->threshold.size != nodes || trees->left.size != nodes || trees->right.size != nodes) return BAD_TREE;
    for (size_t n = 0; n < rows; n++) trees->found[n] = trees->baseline;
    for (size_t tree = 0; rows && tree < trees->roots.size; tree++) {
        size_t root = AT(trees->roots, uint32_t)[tree];
        if (root >= nodes) return BAD_TREE;
        for (size_t n = 0; n < rows; n++) {
            TRY(leaf_of(trees, root, AT(trees->table, double) + n * columns, columns, &leaf));
            trees->found[n] += leaf;
        }
    }
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

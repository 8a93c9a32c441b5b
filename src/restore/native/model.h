/* The language model (lm.py), and the arguments of a call. */

#pragma once
#include "base.h"

#define MAX_CONTEXT 3

typedef struct {
    int shift;
    Array buckets, fingerprints, codes, codebook;
} Table;

typedef struct {
    Array unigrams;
    int tables; /* orders 2 to tables + 1; the last has no back-offs */
    Table table[MAX_CONTEXT];
} Model;

/* What the model remembers, newest word first. Unused words are 0, so that equal contexts are equal memory. */
typedef struct {
    struct {
        uint32_t size;
        uint32_t word[MAX_CONTEXT];
    } context;
    float backoff[MAX_CONTEXT]; /* follow from the words and need no comparing */
} State;

/* ``view``: the unigrams, then (shift, buckets, fingerprints, codes, codebook) for each order (LanguageModel.memory). */
static int hold_model(Held *held, PyObject *view, Model *model)
{
    Py_ssize_t size = PyTuple_Size(view); /* -1 with an exception if it is no tuple */

    if (size < 0) return -1;
    if (size < 2 || size > 1 + MAX_CONTEXT) {
        PyErr_SetString(PyExc_ValueError, "a model has one to three tables of n-grams");
        return -1;
    }
    model->tables = (int)size - 1;
    if (hold(held, PyTuple_GetItem(view, 0), 'f', &model->unigrams) < 0) return -1;
    for (int n = 0; n < model->tables; n++) {
        Table *table = &model->table[n];
        PyObject *buckets, *fingerprints, *codes, *codebook;
        size_t books = n == model->tables - 1 ? 1 : 2; /* the highest order has no back-offs */

        if (!PyArg_ParseTuple(PyTuple_GetItem(view, n + 1), "iOOOO", &table->shift, &buckets, &fingerprints, &codes, &codebook))
            return -1;
        if (hold(held, buckets, 'h', &table->buckets) < 0 || hold(held, fingerprints, 'H', &table->fingerprints) < 0 ||
            hold(held, codes, 'B', &table->codes) < 0 || hold(held, codebook, 'f', &table->codebook) < 0)
            return -1;
        if (table->shift < FINGERPRINT_BITS || table->shift > 63 ||
            table->buckets.size != ((size_t)1 << (64 - table->shift)) + 1 || table->fingerprints.size > UINT32_MAX ||
            table->codes.size != table->fingerprints.size || table->codebook.size < books * CODES) {
            PyErr_SetString(PyExc_ValueError, "the language model is damaged: its sections do not fit together");
            return -1;
        }
    }
    if (model->unigrams.size <= 2 * NUMBER + 1) {
        PyErr_SetString(PyExc_ValueError, "the language model is damaged: it has no words");
        return -1;
    }
    return 0;
}

/* Fill in the arguments of a function, one letter each: a buffer's struct code, M a model, # an int, . a double.
 * 1 if all is well, 0 with an exception if not. */
static int take(Held *held, PyObject *args, const char *kinds, ...)
{
    va_list to;
    int status = 0;

    if (PyTuple_Size(args) != (Py_ssize_t)strlen(kinds)) {
        PyErr_Format(PyExc_TypeError, "expected %zu arguments", strlen(kinds));
        return 0;
    }
    va_start(to, kinds);
    for (Py_ssize_t n = 0; kinds[n] && status == 0; n++) {
        PyObject *object = PyTuple_GetItem(args, n);
        if (kinds[n] == 'M') {
            status = hold_model(held, object, va_arg(to, Model *));
        } else if (kinds[n] == '#') {
            long value = PyLong_AsLong(object);
            *va_arg(to, int *) = value < 0 ? -1 : value > INT32_MAX ? INT32_MAX : (int)value;
            status = PyErr_Occurred() ? -1 : 0;
        } else if (kinds[n] == '.') {
            *va_arg(to, double *) = PyFloat_AsDouble(object);
            status = PyErr_Occurred() ? -1 : 0;
        } else {
            status = hold(held, object, kinds[n], va_arg(to, Array *));
        }
    }
    va_end(to);
    return status == 0;
}

static uint64_t extend_hash(uint64_t value, uint32_t word)
{
    value = (value + word + 1) * HASH_MULTIPLIER;
    return value ^ (value >> 29);
}

/* Where a bucket begins: as far from where it would if all were equally full as ``buckets`` says. */
INLINE int64_t bucket_start(const Table *table, uint64_t bucket)
{
    return (int64_t)(bucket * table->fingerprints.size >> (64 - table->shift)) + AT(table->buckets, int16_t)[bucket];
}

/* Index of the n-gram with this hash, or -1. */
static Error find(const Table *table, uint64_t value, int64_t *index)
{
    const uint16_t *fingerprints = AT(table->fingerprints, uint16_t);
    uint64_t bucket = value >> table->shift;
    uint16_t fingerprint = (uint16_t)(value >> (table->shift - FINGERPRINT_BITS));
    int64_t low = bucket_start(table, bucket), high = bucket_start(table, bucket + 1), stop = high;

    if (low < 0 || low > high || high > (int64_t)table->fingerprints.size) return BAD_MODEL;
    while (high - low > 8) { /* buckets have 4 to 8 n-grams; only in a strange model is there much to halve */
        int64_t middle = low + (high - low) / 2;
        if (fingerprints[middle] < fingerprint)
            low = middle + 1;
        else
            high = middle;
    }
    while (low < high && fingerprints[low] < fingerprint) low++;
    *index = low < stop && fingerprints[low] == fingerprint ? low : -1;
    return NULL;
}

/* Ask for the memory that looking up a word will read. Each read of a model of 40 MB takes 100 to 200 ns, twenty of them asked
 * for together hardly more. Buckets first: they say where the n-grams lie. */
INLINE void fetch(const Model *model, const State *state, uint32_t word, int buckets)
{
    uint64_t value = extend_hash(0, word);
    for (uint32_t n = 0; n < (uint32_t)model->tables && n < state->context.size; n++) {
        const Table *table = &model->table[n];
        value = extend_hash(value, state->context.word[n]);
        uint64_t bucket = value >> table->shift;
        if (buckets) {
            PREFETCH(AT(table->buckets, int16_t) + bucket);
        } else {
            int64_t start = bucket_start(table, bucket);
            if (start >= 0 && start < (int64_t)table->fingerprints.size) {
                PREFETCH(AT(table->fingerprints, uint16_t) + start);
                PREFETCH(AT(table->codes, uint8_t) + start);
            }
        }
    }
}

static State start_state(const Model *model)
{
    State state = {{1, {START}}, {AT(model->unigrams, float)[2 * START + 1]}};
    return state;
}

/* The longest state that a word can lead to. */
static void append(State *state, uint32_t word)
{
    for (int n = MAX_CONTEXT - 1; n; n--) state->context.word[n] = state->context.word[n - 1];
    state->context.word[0] = word;
    if (state->context.size < MAX_CONTEXT) state->context.size++;
}

/* log P(word | state), natural, and the state after the word. */
static Error score_word(const Model *model, const State *state, uint32_t word, double *log_prob, State *after)
{
    const float *unigrams = AT(model->unigrams, float);
    uint32_t matched = 0;
    uint64_t value;

    if (word >= model->unigrams.size / 2) return BAD_WORD;
    State found = {{1, {word}}, {unigrams[2 * (size_t)word + 1]}};
    double sum = unigrams[2 * (size_t)word];
    value = extend_hash(0, word);
    for (; matched < (uint32_t)model->tables && matched < state->context.size; matched++) {
        const Table *table = &model->table[matched];
        const float *codebook = AT(table->codebook, float);
        uint32_t context = state->context.word[matched];
        int64_t index;

        value = extend_hash(value, context);
        TRY(find(table, value, &index));
        if (index < 0) break;
        uint8_t code = AT(table->codes, uint8_t)[index];
        sum = codebook[code];
        if (matched < (uint32_t)model->tables - 1) {
            found.context.word[found.context.size] = context;
            found.backoff[found.context.size++] = codebook[CODES + code];
        }
    }
    for (uint32_t n = matched; n < state->context.size; n++) sum += state->backoff[n];
    *log_prob = sum;
    *after = found;
    return NULL;
}

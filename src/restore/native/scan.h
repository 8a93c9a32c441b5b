/* Tokens and sentences: scan (text.py). */

#pragma once
#include "base.h"

/* A text, read character by character; outside it there are zeros. */
typedef struct {
    const void *data;
    int kind;
    Py_ssize_t size;
    int has_at; /* an address of an e-mail is possible */
} Source;

INLINE Py_UCS4 look(const Source *source, Py_ssize_t at)
{
    return at >= 0 && at < source->size ? PyUnicode_READ(source->kind, source->data, at) : 0;
}

static int is_in(Py_UCS4 c, const char *marks) { return c && c < 128 && strchr(marks, (int)c); }
static int is_word(Py_UCS4 c) { return c == '_' || Py_UNICODE_ISALNUM(c); }
static int is_digit(Py_UCS4 c) { return Py_UNICODE_ISDECIMAL(c); }
static int is_letter(Py_UCS4 c) { return Py_UNICODE_ISALNUM(c) && !is_digit(c); }
static int is_alnum(Py_UCS4 c) { return Py_UNICODE_ISALNUM(c); }
static int is_of_label(Py_UCS4 c) { return c == '-' || is_word(c); }
static int is_of_name(Py_UCS4 c) { return c == '.' || c == '+' || is_of_label(c); }
static int is_of_link(Py_UCS4 c) { return !is_in(c, "<>\")") && c != 0x201D && c != 0x2019 && !Py_UNICODE_ISSPACE(c); }
static int is_apostrophe(Py_UCS4 c) { return c == '\'' || c == 0x2019; }

/* End of the run of such characters from ``at`` on, at most ``most`` of them. */
static Py_ssize_t run(const Source *source, Py_ssize_t at, int (*is)(Py_UCS4), Py_ssize_t most)
{
    Py_ssize_t stop = most < source->size - at ? at + most : source->size;
    while (at < stop && is(look(source, at))) at++;
    return at;
}

/* End of an ASCII word in any case, or ``at`` if it is not there. */
static Py_ssize_t after(const Source *source, Py_ssize_t at, const char *lower)
{
    for (Py_ssize_t n = 0;; n++) {
        if (!lower[n]) return at + n;
        Py_UCS4 c = look(source, at + n);
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != (Py_UCS4)lower[n]) return at;
    }
}

static Py_ssize_t scan_link(const Source *source, Py_ssize_t at)
{
    static const char *const beginnings[] = {"http://", "https://", "www."};
    for (int n = 0; n < 3; n++) {
        Py_ssize_t begin = after(source, at, beginnings[n]), end = run(source, begin, is_of_link, PY_SSIZE_T_MAX);
        if (begin > at && end > begin) return end;
    }
    return at;
}

static Py_ssize_t scan_address(const Source *source, Py_ssize_t at)
{
    Py_ssize_t sign = run(source, at, is_of_name, 64), end, next;
    if (sign == at || look(source, sign) != '@') return at;
    end = run(source, sign + 1, is_of_label, 63);
    if (end == sign + 1) return at;
    for (int labels = 0;; labels++, end = next) {
        next = look(source, end) == '.' && labels < 8 ? run(source, end + 1, is_of_label, 63) : end;
        if (next <= end + 1) return labels ? end : at;
    }
}

static Py_ssize_t scan_initials(const Source *source, Py_ssize_t at)
{
    Py_ssize_t end = at;
    while (is_letter(look(source, end)) && look(source, end + 1) == '.') end += 2;
    return end - at >= 4 ? end : at;
}

static Py_ssize_t scan_abbreviation(const Source *source, Py_ssize_t at)
{
    static const char *const known[] = {
        "mr", "mrs", "ms", "dr", "prof", "sen", "rep", "gov", "gen", "lt", "col", "sgt", "capt", "maj", "adm", "rev", "hon",
        "st", "jr", "sr", "vs", "no", "inc", "corp", "co", "ltd", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sept",
        "sep", "oct", "nov", "dec", "etc",
    };
    int period = 0;
    for (Py_ssize_t n = 2; n <= 4; n++) period |= look(source, at + n) == '.'; /* seldom: the list need not be gone through */
    for (size_t n = 0; period && n < sizeof known / sizeof *known; n++) {
        Py_ssize_t end = after(source, at, known[n]);
        if (end > at && look(source, end) == '.') return end + 1;
    }
    return at;
}

static Py_ssize_t scan_number(const Source *source, Py_ssize_t at)
{
    Py_ssize_t end = run(source, at, is_digit, PY_SSIZE_T_MAX), next;
    if (end == at) return at;
    while (is_in(look(source, end), ".,:/") && is_digit(look(source, end + 1)))
        end = run(source, end + 1, is_digit, PY_SSIZE_T_MAX);
    next = run(source, end, is_alnum, PY_SSIZE_T_MAX);
    if (next == end) return end;
    while (look(source, next) == '-' && is_word(look(source, next + 1))) next = run(source, next + 1, is_word, PY_SSIZE_T_MAX);
    return next;
}

/* End of the clitic's letters after an apostrophe, or ``at`` if there are none. */
static Py_ssize_t scan_clitic(const Source *source, Py_ssize_t at)
{
    static const char *const clitics[] = {"s", "ll", "re", "ve", "d", "m"};
    for (int n = 0; n < 6; n++) {
        Py_ssize_t end = after(source, at, clitics[n]);
        if (end > at && !is_word(look(source, end))) return end;
    }
    return at;
}

static Py_ssize_t scan_word(const Source *source, Py_ssize_t at)
{
    Py_ssize_t end = run(source, at, is_word, PY_SSIZE_T_MAX);
    while (end > at) {
        Py_UCS4 c = look(source, end);
        if (c != '-' && !(is_apostrophe(c) && scan_clitic(source, end + 1) == end + 1)) break;
        if (!is_word(look(source, end + 1))) break;
        end = run(source, end + 1, is_word, PY_SSIZE_T_MAX);
    }
    return end;
}

/* End of the token that begins at ``at``, where no white space is. */
static Py_ssize_t scan_token(const Source *source, Py_ssize_t at)
{
    Py_UCS4 c = look(source, at), next = look(source, at + 1);
    Py_ssize_t end;

    if (c == 'h' || c == 'H' || c == 'w' || c == 'W') {
        if ((end = scan_link(source, at)) > at) return end;
    }
    if (source->has_at && (end = scan_address(source, at)) > at) return end;
    if ((c == '@' || c == '#') && is_word(next)) return run(source, at + 1, is_word, PY_SSIZE_T_MAX);
    if (is_word(c)) {
        if (next == '.' && (end = scan_initials(source, at)) > at) return end;
        if ((end = scan_abbreviation(source, at)) > at) return end;
        if ((end = scan_number(source, at)) > at) return end;
        return scan_word(source, at);
    }
    if (is_apostrophe(c) && (at == 0 || is_word(look(source, at - 1))) && (end = scan_clitic(source, at + 1)) > at + 1)
        return end;
    return at + 1;
}

/* Quotes and dashes as a keyboard has them. */
static Py_UCS4 plain(Py_UCS4 c)
{
    return c == 0x2018 || c == 0x2019 ? '\'' : c == 0x201C || c == 0x201D ? '"' : c == 0x2013 || c == 0x2014 ? '-' : c;
}

/* The lower-cased form with plain quotes and dashes. */
static PyObject *norm_of(const Source *source, Py_ssize_t start, Py_ssize_t end)
{
    Py_ssize_t size = end - start;
    Py_UCS4 highest = 127;
    PyObject *norm, *lower;

    for (Py_ssize_t n = start; n < end; n++) {
        Py_UCS4 c = plain(look(source, n));
        if (c > highest) highest = c;
    }
    norm = PyUnicode_New(size, highest);
    if (!norm) return NULL;
    for (Py_ssize_t n = 0; n < size; n++) {
        Py_UCS4 c = plain(look(source, start + n));
        PyUnicode_WRITE(PyUnicode_KIND(norm), PyUnicode_DATA(norm), n, c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    if (highest == 127) return norm;
    lower = PyObject_CallMethod(norm, "lower", NULL);
    Py_DECREF(norm);
    return lower;
}

/* Whether it is an address or an identifier: a name of a thing, not a word. */
static int is_name(const Source *source, Py_ssize_t start, Py_ssize_t end)
{
    Py_UCS4 c = look(source, start), before = 0;
    int letters = 1, sign = 0, humps = 0, underscore = 0;

    if (end - start < 2) return 0;
    if (c == '@' || c == '#' || (end - start > 3 && after(source, start, "www.") > start)) return 1;
    for (Py_ssize_t n = start; n < end; n++, before = c) {
        c = look(source, n);
        letters = letters && Py_UNICODE_ISALPHA(c);
        underscore |= c == '_';
        sign |= c == '@' || (c == ':' && look(source, n + 1) == '/' && look(source, n + 2) == '/' && n + 2 < end);
        humps |= before && Py_UNICODE_ISLOWER(before) && Py_UNICODE_ISUPPER(c);
    }
    return sign || (letters ? humps : underscore);
}

/* Whether a sentence ends between two tokens; ``ended`` says so of the one before, a mark or what closes after it. */
static int is_break(const Source *source, Py_ssize_t last, Py_ssize_t end, Py_ssize_t start, int ended)
{
    int lines = 0;
    for (Py_ssize_t n = end; n < start; n++) lines += look(source, n) == '\n';
    if (start == end || !(ended || lines) || Py_UNICODE_ISLOWER(look(source, start))) return 0;
    Py_UCS4 c = end - last == 1 ? plain(look(source, last)) : 0;
    return ended || lines > 1 || (c != ',' && c != '-');
}

/* A token as a tuple of that type. It holds numbers and a string, so the collector of cycles need not look at it. */
static PyObject *new_token(PyTypeObject *type, Py_ssize_t start, Py_ssize_t end, PyObject *norm)
{
    PyObject *token = norm ? type->tp_alloc(type, 3) : NULL;
    if (!token) {
        Py_XDECREF(norm);
        return NULL;
    }
    PyObject_GC_UnTrack(token);
    PyTuple_SET_ITEM(token, 0, PyLong_FromSsize_t(start));
    PyTuple_SET_ITEM(token, 1, PyLong_FromSsize_t(end));
    PyTuple_SET_ITEM(token, 2, norm);
    if (PyTuple_GET_ITEM(token, 0) && PyTuple_GET_ITEM(token, 1)) return token;
    Py_DECREF(token);
    return NULL;
}

/* Append the tokens, whether each is a name, and the first token of each sentence but the first. */
static int scan_text(const Source *source, PyTypeObject *type, PyObject *tokens, Pool *names, Pool *breaks)
{
    Py_ssize_t last = 0, end = 0, next;
    int ended = 0;

    for (Py_ssize_t at = 0; at < source->size; at = next) {
        next = at + 1;
        if (Py_UNICODE_ISSPACE(look(source, at))) continue;
        next = scan_token(source, at);
        if (names->used) {
            Py_UCS4 c = end - last == 1 ? plain(look(source, last)) : 0;
            if (c == '.' || c == '!' || c == '?' || c == 0x2026)
                ended = 1;
            else if (!is_in(c, "\"')]}"))
                ended = 0;
            if (is_break(source, last, end, at, ended)) {
                uint32_t *found = push(breaks, sizeof *found);
                if (!found) return -1;
                *found = (uint32_t)names->used;
                ended = 0;
            }
        }
        uint8_t *name = names->used < UINT32_MAX ? push(names, 1) : NULL;
        PyObject *token = name ? new_token(type, at, next, norm_of(source, at, next)) : NULL;
        if (!token || PyList_Append(tokens, token) < 0) {
            Py_XDECREF(token);
            return -1;
        }
        Py_DECREF(token);
        *name = (uint8_t)is_name(source, at, next);
        last = at;
        end = next;
    }
    return 0;
}

/* Characters that we read otherwise than the twin: letters that are a k, s or i in another case; our sign for no character. */
static int is_strange(PyObject *text)
{
    static const Py_UCS4 strange[] = {0, 0x130, 0x131, 0x17F, 0x212A};
    for (int n = 0; n < 5; n++)
        if (PyUnicode_FindChar(text, strange[n], 0, PyUnicode_GET_LENGTH(text), 1) >= 0) return 1;
    return 0;
}

static PyObject *scan(PyObject *module, PyObject *args)
{
    PyObject *text, *tokens, *result = NULL;
    PyTypeObject *type;
    Pool names = {0}, breaks = {0};

    if (!PyArg_ParseTuple(args, "UO!", &text, &PyType_Type, &type)) return NULL;
    if (!PyType_IsSubtype(type, &PyTuple_Type)) {
        PyErr_SetString(PyExc_TypeError, "tokens must be tuples");
        return NULL;
    }
    if (is_strange(text)) Py_RETURN_NONE;
    Source source = {PyUnicode_DATA(text), PyUnicode_KIND(text), PyUnicode_GET_LENGTH(text), 0};
    source.has_at = PyUnicode_FindChar(text, '@', 0, source.size, 1) >= 0;
    tokens = PyList_New(0);
    if (tokens && scan_text(&source, type, tokens, &names, &breaks) == 0)
        result = Py_BuildValue("(ONN)", tokens, column(&names, 1, 0, 1), column(&breaks, 4, 0, 4));
    else if (!PyErr_Occurred())
        PyErr_NoMemory();
    Py_XDECREF(tokens);
    free(names.data);
    free(breaks.data);
    return result;
}

/* Stands in for the headers of texts and numbers until they are there. */
#ifndef FASTCORE_WRITE_PLACEHOLDERS_H
#define FASTCORE_WRITE_PLACEHOLDERS_H

#include <Python.h>
#include <stdint.h>
#include <stdio.h>

#if __has_include("string_text.h")
#include "string_text.h"
#else
static inline char *write_code_point(char *p, uint32_t c)
{
    static const char letters[] = "\b\t\n\f\r\"\\", escapes[] = "btnfr\"\\";
    const char *at = c && c < 128 ? strchr(letters, (int)c) : NULL;
    if (at) {
        *p++ = '\\';
        *p++ = escapes[at - letters];
    } else if (c < 0x20)
        p += sprintf(p, "\\u%04x", c);
    else if (c < 0x80)
        *p++ = (char)c;
    else if (c < 0x800) {
        *p++ = (char)(0xC0 | c >> 6);
        *p++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        if (c >= 0xD800 && c < 0xE000)
            return NULL;
        *p++ = (char)(0xE0 | c >> 12);
        *p++ = (char)(0x80 | (c >> 6 & 63));
        *p++ = (char)(0x80 | (c & 63));
    } else {
        *p++ = (char)(0xF0 | c >> 18);
        *p++ = (char)(0x80 | (c >> 12 & 63));
        *p++ = (char)(0x80 | (c >> 6 & 63));
        *p++ = (char)(0x80 | (c & 63));
    }
    return p;
}
static inline char *string_text_utf8(char *p, const unsigned char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] < 0x80)
            p = write_code_point(p, s[i]);
        else
            *p++ = (char)s[i];
    return p;
}
#define WRITE_PLACEHOLDER(name, type)                                    \
    static inline char *name(char *p, const type *s, size_t n)           \
    {                                                                    \
        for (size_t i = 0; p && i < n; i++)                              \
            p = write_code_point(p, s[i]);                               \
        return p;                                                        \
    }
WRITE_PLACEHOLDER(string_text_ucs1, uint8_t)
WRITE_PLACEHOLDER(string_text_ucs2, uint16_t)
WRITE_PLACEHOLDER(string_text_ucs4, uint32_t)
static inline int string_text_valid_utf8(const unsigned char *s, size_t n)
{
    PyObject *text = PyUnicode_DecodeUTF8((const char *)s, (Py_ssize_t)n, NULL);
    Py_XDECREF(text);
    PyErr_Clear();
    return text != NULL;
}
#endif

#if __has_include("time_text.h")
#include "time_text.h"
#else
enum { TIME_TEXT_NAIVE, TIME_TEXT_OFFSET, TIME_TEXT_Z };
static inline char *time_text_fields(char *p, int year, int month, int day, int hour, int minute, int second, int us)
{
    p += sprintf(p, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, hour, minute, second);
    return us ? p + sprintf(p, ".%06d", us) : p;
}
static inline char *time_text_datetime(char *p, int64_t seconds, uint32_t us, int offset, int mode)
{
    time_t t = (time_t)seconds;
    struct tm *d = gmtime(&t);
    (void)offset;
    p = time_text_fields(p, d->tm_year + 1900, d->tm_mon + 1, d->tm_mday, d->tm_hour, d->tm_min, d->tm_sec, (int)us);
    return mode == TIME_TEXT_Z ? p + sprintf(p, "Z") : p + sprintf(p, "+00:00");
}
static inline char *time_text_uuid(char *p, uint64_t high, uint64_t low)
{
    return p + sprintf(p, "%08llx-%04llx-%04llx-%04llx-%012llx", (unsigned long long)(high >> 32),
                       (unsigned long long)(high >> 16 & 0xffff), (unsigned long long)(high & 0xffff),
                       (unsigned long long)(low >> 48), (unsigned long long)(low & 0xffffffffffffULL));
}
#endif

#endif

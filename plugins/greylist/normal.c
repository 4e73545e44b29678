/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "normal.h"

#include "store/entry.h"

#include <string.h>

#define RECIPIENT_WORD "RCPT"
#define RUN_MIN 8
#define BATV_TAG 10

char *
normal_address(const char *typed, gsize length)
{
    g_autofree char *clean = grey_text_clean(typed, length);
    char *start = g_strstrip(clean);
    gsize size = strlen(start);
    if (size >= 2 && start[0] == '<' && start[size - 1] == '>') {
        start[size - 1] = '\0';
        start++;
    }
    /* "@relay,@relay:address": a source route. */
    const char *colon = *start == '@' ? strchr(start, ':') : NULL;
    char *address = g_ascii_strdown(colon ? colon + 1 : start, -1);
    size = strlen(address);
    if (size > 0 && address[size - 1] == '.')
        address[size - 1] = '\0';
    return address;
}

const char *
normal_domain(const char *address)
{
    const char *at = strrchr(address, '@');
    return at ? at + 1 : "";
}

/* Replaces the local part by a new text. */
static void
set_local(GString *local, const char *text)
{
    g_autofree char *copy = g_strdup(text); /* text may be a part of it */
    g_string_assign(local, copy);
}

static gboolean
is_tag(const char *text, gsize length)
{
    guint digits = 0;
    if (length < BATV_TAG - 2 || length > 2 * BATV_TAG)
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isalnum(text[i]))
            return FALSE;
        digits += g_ascii_isdigit(text[i]) ? 1 : 0;
    }
    return digits >= 4;
}

/* prvs=TAG=user, prvs=user=TAG, prvs=user/TAG. */
static void
undo_batv(GString *local)
{
    const char *prefixes[] = {"prvs=", "msprvs1="};
    for (guint i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (!g_str_has_prefix(local->str, prefixes[i]))
            continue;
        char *rest = local->str + strlen(prefixes[i]);
        char *first = strpbrk(rest, "=/"), *last = strrchr(rest, '=');
        char *slash = strrchr(rest, '/');
        last = slash && (!last || slash > last) ? slash : last;
        if (!first || !first[1] || last == rest)
            return;
        if (is_tag(rest, first - rest) || !is_tag(last + 1, strlen(last + 1))) {
            set_local(local, first + 1);
        } else {
            *last = '\0';
            set_local(local, rest);
        }
        return;
    }
}

/* btv1==TAG==user. */
static void
undo_btv(GString *local)
{
    if (!g_str_has_prefix(local->str, "btv1=="))
        return;
    const char *user = strstr(local->str + 6, "==");
    if (user && user[2])
        set_local(local, user + 2);
}

/* HASH=TIME=domain=user of text; NULL: it is not that. */
static const char *
behind_srs0(const char *text)
{
    const char *time = strchr(text, '=');
    const char *domain = time ? strchr(time + 1, '=') : NULL;
    return domain && strchr(domain + 1, '=') ? domain + 1 : NULL;
}

/* SRS0=HASH=TIME=domain=user, SRS1=HASH=forwarder==HASH=TIME=domain=user; the first separator may
 * be "+" or "-". TRUE: the local part is final. */
static gboolean
undo_srs(GString *local)
{
    const char *text = local->str, *rest = NULL;
    if (!g_str_has_prefix(text, "srs") || (text[3] != '0' && text[3] != '1') || !text[4] ||
        !strchr("=+-", text[4]))
        return FALSE;
    if (text[3] == '0') {
        rest = behind_srs0(text + 5);
    } else {
        const char *inner = strstr(text + 5, "==");
        rest = inner ? behind_srs0(inner + 2) : NULL;
    }
    if (!rest)
        return FALSE;
    g_autofree char *plain = g_strconcat("srs0=#=#=", rest, NULL);
    g_string_assign(local, plain);
    return TRUE;
}

static void
cut_extension(GString *local)
{
    const char *plus = strchr(local->str, '+');
    if (plus && plus != local->str)
        g_string_truncate(local, plus - local->str);
}

static void
hide_recipient(GString *local, const char *recipient)
{
    const char *at = strrchr(recipient, '@');
    if (!at || at == recipient)
        return;
    for (const char *separator = "=*-"; *separator; separator++) {
        g_autofree char *spelled =
            g_strdup_printf("%.*s%c%s", (int)(at - recipient), recipient, *separator, at + 1);
        const char *found = strstr(local->str, spelled);
        if (!found)
            continue;
        gssize place = found - local->str;
        g_string_erase(local, place, (gssize)strlen(spelled));
        g_string_insert(local, place, RECIPIENT_WORD);
        return;
    }
}

static void
cut_bounce_tail(GString *local)
{
    const char *bounce = strstr(local->str, "bounce");
    if (!bounce)
        return;
    const char *end = bounce + strlen("bounce");
    if (*end == 's')
        end++;
    if (!*end || !strchr("-_.", *end))
        return;
    g_string_truncate(local, end - local->str);
    g_string_append_c(local, '#');
}

static gboolean
is_base32(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
}

/* A run of letters and digits: whether it is a token that nobody would choose as a name. */
static gboolean
is_token(const char *run, gsize length)
{
    gboolean hex = TRUE, base32 = TRUE, digit = FALSE;
    for (gsize i = 0; i < length; i++) {
        hex = hex && g_ascii_isxdigit(run[i]);
        base32 = base32 && is_base32(run[i]);
        digit = digit || g_ascii_isdigit(run[i]);
    }
    return length >= RUN_MIN && digit && (hex || base32);
}

static void
hide_runs(GString *local)
{
    g_autoptr(GString) out = g_string_sized_new(local->len);
    for (gsize i = 0; i < local->len;) {
        gsize length = 0;
        while (g_ascii_isalnum(local->str[i + length]))
            length++;
        if (is_token(local->str + i, length)) {
            g_string_append_c(out, '#');
            i += length;
        } else if (g_ascii_isdigit(local->str[i])) {
            g_string_append_c(out, '#');
            while (g_ascii_isdigit(local->str[i]))
                i++;
        } else if (length > 0) {
            while (g_ascii_isalpha(local->str[i]))
                g_string_append_c(out, local->str[i++]);
        } else {
            g_string_append_c(out, local->str[i++]);
        }
    }
    g_string_assign(local, out->str);
}

char *
normal_sender(const char *address, const char *recipient)
{
    if (!*address)
        return g_strdup("<>");
    const char *at = strrchr(address, '@');
    g_autoptr(GString) local = g_string_new_len(address, at ? at - address : -1);
    undo_batv(local);
    undo_btv(local);
    if (!undo_srs(local)) {
        cut_extension(local);
        hide_recipient(local, recipient);
        cut_bounce_tail(local);
        hide_runs(local);
    }
    return g_strconcat(local->str, at, NULL);
}

char *
normal_lower(const char *key)
{
    g_auto(GStrv) parts = g_strsplit(key, RECIPIENT_WORD, -1);
    for (guint i = 0; parts[i]; i++) {
        char *lower = g_ascii_strdown(parts[i], -1);
        g_free(parts[i]);
        parts[i] = lower;
    }
    return g_strjoinv(RECIPIENT_WORD, parts);
}

char *
normal_recipient(const char *address)
{
    const char *at = strrchr(address, '@');
    g_autoptr(GString) local = g_string_new_len(address, at ? at - address : -1);
    cut_extension(local);
    if (local->len == 0 && !at)
        return g_strdup("<>");
    return g_strconcat(local->str, at, NULL);
}

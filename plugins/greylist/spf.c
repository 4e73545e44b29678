/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The evaluation: one look-up at a time, the records that are open on a stack. */
#include "spf-private.h"

#include <string.h>

#define LOOKUPS_MAX 10
#define VOIDS_MAX 2
#define MX_MAX 10
#define WIDEST4 8 /* a range must be narrower */
#define WIDEST6 24

/* A record in work. */
typedef struct Frame {
    char *domain;
    SpfRecord *record; /* NULL: it is being asked for */
    guint at;          /* the term in work, or next */
} Frame;

struct Spf {
    const MilterHost *host;
    MilterWorker *worker;
    SpfFunction function;
    void *data;
    NetAddress client;
    char *sender, *helo;
    GArray *frames; /* of Frame; the last is in work, those before wait for its include */
    uint64_t query; /* 0: none */
    guint lookups, voids;
    GPtrArray *exchanges; /* names of an MX still to be asked for, last first */
    SpfOutcome outcome;   /* of the frame that ended last; matched range of a pass */
};

static void step(Spf *spf);
static void on_record(void *data, const MilterResolveAnswer *answer);

const char *
spf_result_name(SpfResult result)
{
    static const char *const names[] = {"none",     "neutral",   "pass",     "fail",
                                        "softfail", "temperror", "permerror"};
    return names[result];
}

static Frame *
top(const Spf *spf)
{
    return &g_array_index(spf->frames, Frame, spf->frames->len - 1);
}

static void
frame_clear(gpointer data)
{
    Frame *frame = data;
    g_free(frame->domain);
    if (frame->record)
        spf_record_free(frame->record);
}

static void
spf_free(Spf *spf)
{
    g_array_unref(spf->frames);
    g_ptr_array_unref(spf->exchanges);
    g_free(spf->sender);
    g_free(spf->helo);
    g_free(spf);
}

void
spf_cancel(Spf *spf)
{
    if (spf->query)
        spf->host->resolve_cancel(spf->worker, spf->query);
    spf_free(spf);
}

static void
end(Spf *spf, SpfResult result)
{
    spf->outcome.result = result;
    if (result != SPF_PASS)
        spf->outcome.counts = FALSE;
    const SpfOutcome outcome = spf->outcome;
    SpfFunction function = spf->function;
    void *data = spf->data;
    spf_free(spf);
    function(data, &outcome);
}

static void
ask(Spf *spf, MilterResolveKind kind, const char *name, MilterResolveFunction function)
{
    spf->query = spf->host->resolve(spf->worker, kind, name, function, spf);
}

/* TRUE: one look-up more is allowed. */
static gboolean
may_look_up(Spf *spf)
{
    return ++spf->lookups <= LOOKUPS_MAX;
}

static gboolean
is_void(Spf *spf, const MilterResolveAnswer *answer)
{
    return (answer->status == MILTER_RESOLVE_NONE || answer->n_values == 0) &&
           ++spf->voids > VOIDS_MAX;
}

/* ---- Frames. */

static void
push(Spf *spf, const char *domain)
{
    const Frame frame = {.domain = g_strdup(domain)};
    g_array_append_val(spf->frames, frame);
    ask(spf, MILTER_RESOLVE_TXT, domain, on_record);
}

static char *
expand(const Spf *spf, const char *text)
{
    const SpfNames names = {spf->sender, top(spf)->domain, spf->helo, &spf->client};
    return text ? spf_expand(text, &names) : g_strdup(top(spf)->domain);
}

/* The record in work has its result: it was all, or it answers an include. */
static void
pop(Spf *spf, SpfResult result)
{
    if (spf->frames->len == 1 || result == SPF_TEMPERROR || result == SPF_PERMERROR) {
        end(spf, result);
        return;
    }
    if (result == SPF_NONE) { /* an include of nothing */
        end(spf, SPF_PERMERROR);
        return;
    }
    g_array_set_size(spf->frames, spf->frames->len - 1);
    Frame *frame = top(spf);
    const SpfTerm *include = &g_array_index(frame->record->terms, SpfTerm, frame->at);
    frame->at++;
    if (result == SPF_PASS)
        pop(spf, include->qualifier);
    else
        step(spf);
}

static void
matched(Spf *spf, const SpfTerm *term, guint bits)
{
    guint widest = spf->client.size == 4 ? WIDEST4 : WIDEST6;
    gboolean tells = term->mechanism == SPF_IP4 || term->mechanism == SPF_IP6 ||
                     term->mechanism == SPF_A || term->mechanism == SPF_MX;
    spf->outcome.counts = tells && bits > widest;
    spf->outcome.bits = bits;
    pop(spf, term->qualifier);
}

static void
next(Spf *spf)
{
    top(spf)->at++;
    step(spf);
}

static void
redirect(Spf *spf)
{
    Frame *frame = top(spf);
    if (!frame->record->redirect) {
        pop(spf, SPF_NEUTRAL);
        return;
    }
    g_autofree char *domain = expand(spf, frame->record->redirect);
    if (!domain || !may_look_up(spf)) {
        end(spf, SPF_PERMERROR);
        return;
    }
    spf_record_free(g_steal_pointer(&frame->record));
    g_free(frame->domain);
    frame->domain = g_strdup(domain);
    frame->at = 1; /* redirected: no record is an error */
    ask(spf, MILTER_RESOLVE_TXT, domain, on_record);
}

/* ---- Answers. */

/* The one record among the values; FALSE: there are two. */
static gboolean
find_record(const MilterResolveAnswer *answer, const char **text)
{
    *text = NULL;
    for (size_t i = 0; i < answer->n_values; i++) {
        if (!spf_text_is_record(answer->values[i]))
            continue;
        if (*text)
            return FALSE;
        *text = answer->values[i];
    }
    return TRUE;
}

static void
on_record(void *data, const MilterResolveAnswer *answer)
{
    Spf *spf = data;
    Frame *frame = top(spf);
    gboolean redirected = frame->at > 0;
    const char *text = NULL;
    spf->query = 0;
    frame->at = 0;
    if (answer->status == MILTER_RESOLVE_TEMPORARY) {
        end(spf, SPF_TEMPERROR);
    } else if (!find_record(answer, &text)) {
        end(spf, SPF_PERMERROR);
    } else if (!text) {
        pop(spf, redirected ? SPF_PERMERROR : SPF_NONE);
    } else {
        frame->record = spf_record_parse(text);
        if (frame->record)
            step(spf);
        else
            end(spf, SPF_PERMERROR);
    }
}

static const SpfTerm *
current(const Spf *spf)
{
    const Frame *frame = top(spf);
    return &g_array_index(frame->record->terms, SpfTerm, frame->at);
}

static MilterResolveKind
address_kind(const Spf *spf)
{
    return spf->client.size == 4 ? MILTER_RESOLVE_A : MILTER_RESOLVE_AAAA;
}

static guint
bits_of(const Spf *spf, const SpfTerm *term)
{
    return spf->client.size == 4 ? term->bits4 : term->bits6;
}

static gboolean
has_client(const Spf *spf, const SpfTerm *term, const MilterResolveAnswer *answer)
{
    for (size_t i = 0; i < answer->n_values; i++) {
        NetPrefix prefix = {.bits = bits_of(spf, term)};
        if (net_address_parse(&prefix.address, answer->values[i]) &&
            prefix.address.size == spf->client.size && net_prefix_contains(&prefix, &spf->client))
            return TRUE;
    }
    return FALSE;
}

static void
on_exists(void *data, const MilterResolveAnswer *answer)
{
    Spf *spf = data;
    spf->query = 0;
    if (answer->status == MILTER_RESOLVE_TEMPORARY)
        end(spf, SPF_TEMPERROR);
    else if (is_void(spf, answer))
        end(spf, SPF_PERMERROR);
    else if (answer->status == MILTER_RESOLVED && answer->n_values > 0)
        matched(spf, current(spf), 0);
    else
        next(spf);
}

static void
on_address(void *data, const MilterResolveAnswer *answer)
{
    Spf *spf = data;
    spf->query = 0;
    if (answer->status == MILTER_RESOLVE_TEMPORARY)
        end(spf, SPF_TEMPERROR);
    else if (is_void(spf, answer))
        end(spf, SPF_PERMERROR);
    else if (has_client(spf, current(spf), answer))
        matched(spf, current(spf), bits_of(spf, current(spf)));
    else
        next(spf);
}

/* The addresses of the next host of the MX; none left: no match. */
static void on_exchange(void *data, const MilterResolveAnswer *answer);

static void
ask_exchange(Spf *spf)
{
    if (spf->exchanges->len == 0) {
        next(spf);
        return;
    }
    g_autofree char *name = g_ptr_array_steal_index(spf->exchanges, spf->exchanges->len - 1);
    ask(spf, address_kind(spf), name, on_exchange);
}

static void
on_exchange(void *data, const MilterResolveAnswer *answer)
{
    Spf *spf = data;
    spf->query = 0;
    if (answer->status == MILTER_RESOLVE_TEMPORARY) {
        end(spf, SPF_TEMPERROR);
    } else if (has_client(spf, current(spf), answer)) {
        g_ptr_array_set_size(spf->exchanges, 0);
        matched(spf, current(spf), bits_of(spf, current(spf)));
    } else {
        ask_exchange(spf);
    }
}

static void
on_mx(void *data, const MilterResolveAnswer *answer)
{
    Spf *spf = data;
    spf->query = 0;
    if (answer->status == MILTER_RESOLVE_TEMPORARY) {
        end(spf, SPF_TEMPERROR);
        return;
    }
    if (is_void(spf, answer) || answer->n_values > MX_MAX) {
        end(spf, SPF_PERMERROR);
        return;
    }
    for (size_t i = 0; i < answer->n_values; i++) {
        const char *blank = strchr(answer->values[i], ' ');
        if (blank && blank[1] && strcmp(blank + 1, ".") != 0)
            g_ptr_array_add(spf->exchanges, g_strdup(blank + 1));
    }
    ask_exchange(spf);
}

/* ---- Terms. */

static void
look_up(Spf *spf, const SpfTerm *term)
{
    g_autofree char *domain = expand(spf, term->domain);
    if (!domain || !may_look_up(spf)) {
        end(spf, SPF_PERMERROR);
        return;
    }
    switch (term->mechanism) {
    case SPF_A:
        ask(spf, address_kind(spf), domain, on_address);
        return;
    case SPF_MX:
        ask(spf, MILTER_RESOLVE_MX, domain, on_mx);
        return;
    case SPF_EXISTS:
        ask(spf, MILTER_RESOLVE_A, domain, on_exists);
        return;
    case SPF_INCLUDE:
        push(spf, domain);
        return;
    default: /* PTR */
        next(spf);
        return;
    }
}

/* From the term in work on, as far as it goes without asking. */
static void
step(Spf *spf)
{
    Frame *frame = top(spf);
    const GArray *terms = frame->record->terms;
    for (; frame->at < terms->len; frame->at++) {
        const SpfTerm *term = &g_array_index(terms, SpfTerm, frame->at);
        switch (term->mechanism) {
        case SPF_ALL:
            matched(spf, term, 0);
            return;
        case SPF_IP4:
        case SPF_IP6:
            if (!net_prefix_contains(&term->network, &spf->client))
                continue;
            matched(spf, term, term->network.bits);
            return;
        default:
            look_up(spf, term);
            return;
        }
    }
    redirect(spf);
}

Spf *
spf_start(const MilterHost *host, MilterWorker *worker, const NetAddress *client,
          const char *sender, const char *helo, SpfFunction function, void *data)
{
    const char *at = strrchr(sender, '@');
    if (!at || !strchr(at, '.') || at[1] == '[' || client->size == 0)
        return NULL;
    Spf *spf = g_new0(Spf, 1);
    *spf = (Spf){.host = host,
                 .worker = worker,
                 .function = function,
                 .data = data,
                 .client = *client,
                 .sender = g_strdup(sender),
                 .helo = g_strdup(helo)};
    spf->frames = g_array_new(FALSE, FALSE, sizeof(Frame));
    g_array_set_clear_func(spf->frames, frame_clear);
    spf->exchanges = g_ptr_array_new_with_free_func(g_free);
    push(spf, at + 1);
    return spf;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAME
 *     example - a plugin to begin with: words in the subject
 *
 * DESCRIPTION
 *     A message whose subject has one of the key "words" gets a header X-Example with that word,
 * or, with action 'reject', is refused with the key "reply". Nothing here waits, so every question
 * is answered at once; see stage.h for answers that take time.
 *
 *     It is plain C, without GLib, to show that nothing else is needed.
 */
#include <milter-manager/plugin.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Marks a text for translation; the host translates it, through our text domain. */
#define N_(text) (text)

/* A configured use of the plugin. */
typedef struct Example {
    const MilterHost *host;
    MilterInstance *self;
    const char *const *words;
    bool rejects;
    const char *reply;
    MilterCounter *found;
} Example;

/* Its part in one session. */
typedef struct Talk {
    const Example *example;
    MilterWorker *worker;
    MilterSession *session;
    const char *word; /* found in this message's subject, or NULL; lives as long as the settings */
} Talk;

static MilterSlice
slice(const char *text)
{
    return (MilterSlice){text, strlen(text)};
}

static bool
check(const Example *example)
{
    const MilterHost *host = example->host;
    if (!host->reply_is_valid(slice(example->reply))) {
        host->problem(example->self, "reply", N_("this is not an SMTP reply"),
                      N_("CODE TEXT, as in 550 5.7.1 No"));
        return false;
    }
    if (!example->words[0])
        host->warn(example->self, "words", N_("without words there is nothing to look for"), NULL);
    return true;
}

/* Once for each [stages/NAME] group that names this plugin, when a configuration is loaded. */
static void *
example_configure(const MilterHost *host, MilterInstance *self, void *predecessor)
{
    (void)predecessor; /* there is nothing worth taking over at a reload */
    Example *example = calloc(1, sizeof(*example));
    if (!example)
        abort();
    example->host = host;
    example->self = self;
    example->words = host->get_strings(self, "words");
    example->rejects = strcmp(host->get_string(self, "action"), "reject") == 0;
    example->reply = host->get_string(self, "reply");
    example->found = host->counter(self, "found");
    if (check(example))
        return example;
    free(example);
    return NULL; /* a problem was reported: the configuration is refused */
}

static void
example_discard(void *instance)
{
    free(instance);
}

static void *
example_open(void *instance, void *in_worker, MilterWorker *worker, MilterSession *session)
{
    (void)in_worker;
    Talk *talk = calloc(1, sizeof(*talk));
    if (!talk)
        return NULL;
    talk->example = instance;
    talk->worker = worker;
    talk->session = session;
    return talk;
}

static void
example_close(void *session_data)
{
    free(session_data);
}

/* The value is bytes of a stranger: no encoding is promised. It ends with a NUL that is not
 * counted, but may have others before. */
static const char *
find_word(const Example *example, const char *value)
{
    for (const char *const *word = example->words; *word; word++) {
        size_t length = strlen(*word);
        for (const char *at = value; length > 0 && *at; at++) {
            if (strncasecmp(at, *word, length) == 0)
                return *word;
        }
    }
    return NULL;
}

static void
look_at_header(Talk *talk, const MilterEvent *event)
{
    const Example *example = talk->example;
    if (talk->word || strcasecmp(event->u.header.name.data, "Subject") != 0)
        return;
    talk->word = find_word(example, event->u.header.value.data);
    if (!talk->word)
        return;
    const MilterField field = {"word", talk->word};
    example->host->count(example->found, 1);
    example->host->log(example->self, talk->session, MILTER_LOG_INFO, "example-found",
                       N_("The subject has a word that is looked for"), &field, 1);
}

static void
decide(Talk *talk, MilterTicket ticket, MilterVerdict *verdict)
{
    const Example *example = talk->example;
    if (!talk->word)
        return;
    verdict->detail = talk->word;
    if (example->rejects) {
        verdict->kind = MILTER_VERDICT_REPLY;
        verdict->reply = slice(example->reply);
        return;
    }
    const MilterEdit edit = {.size = sizeof(edit),
                             .kind = MILTER_EDIT_ADD_HEADER,
                             .name = slice("X-Example"),
                             .value = slice(talk->word)};
    if (example->host->edit(talk->worker, ticket, &edit) != MILTER_OK) {
        verdict->kind = MILTER_VERDICT_FAILED;
        verdict->detail = "the header cannot be added";
    }
}

/* Only what .events names comes here. The verdict is preset with CONTINUE. */
static MilterReturn
example_event(void *session_data, MilterTicket ticket, const MilterEvent *event,
              MilterVerdict *verdict)
{
    Talk *talk = session_data;
    if (event->kind == MILTER_EVENT_MAIL)
        talk->word = NULL; /* a new message */
    else if (event->kind == MILTER_EVENT_HEADER)
        look_at_header(talk, event);
    else if (event->kind == MILTER_EVENT_END_OF_MESSAGE)
        decide(talk, ticket, verdict);
    return MILTER_DONE;
}

static const MilterStage stage = {
    .size = sizeof(MilterStage),
    .events = MILTER_EVENT_BIT(MILTER_EVENT_MAIL) | MILTER_EVENT_BIT(MILTER_EVENT_HEADER) |
              MILTER_EVENT_BIT(MILTER_EVENT_END_OF_MESSAGE),
    .rights = MILTER_RIGHT_ADD_HEADERS,
    .configure = example_configure,
    .discard = example_discard,
    .open = example_open,
    .close = example_close,
    .event = example_event,
};

MILTER_PLUGIN(example, .name = "example", .version = "1.0", .license = "LGPL-2.1-or-later",
              .text_domain = "milter-manager-example",
              .summary = N_("Looks for words in the subject"), .stage = &stage)

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* milter-greylist-ctl: the greylist's administration. */
#include "tools/greylist-ctl/ctl.h"

#include "base/i18n.h"
#include "base/language.h"
#include "base/standard.h"

#include <stdio.h>
#include <stdlib.h>

static gboolean
run(const CtlCommand *command, const CtlOptions *options, char **words, GError **error)
{
    Ctl ctl = {.json = options->json};
    ctl.data = options->store ? ctl_local_open(options, error) : ctl_remote_open(options, error);
    if (!ctl.data)
        return FALSE;
    ctl.call = options->store ? ctl_local_call : ctl_remote_call;
    gboolean good = command->function(&ctl, options, words, error);
    if (options->store)
        ctl_local_close(ctl.data);
    else
        ctl_remote_close(ctl.data);
    return good;
}

static int
complain(const GError *error)
{
    gboolean is_usage =
        error->domain == G_OPTION_ERROR || g_error_matches(error, CTL_ERROR, CTL_ERROR_USAGE);
    fprintf(stderr, "milter-greylist-ctl: %s\n", error->message);
    if (is_usage)
        fprintf(stderr, "%s\n", _("milter-greylist-ctl --help shows what there is."));
    return is_usage ? 2 : 1;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    CtlOptions options;
    mm_standard_begin();
    mm_language_begin(MM_LOCALE_DIR);
    gboolean good = ctl_options_parse(&options, &argc, &argv, &error);
    if (good && options.version) {
        printf("milter-greylist-ctl %s\n", MM_VERSION);
    } else if (good) {
        const CtlCommand *command = ctl_choose_command(argv + 1, &error);
        good = command && run(command, &options, argv + 2, &error);
    }
    ctl_options_clear(&options);
    return mm_standard_end("milter-greylist-ctl", good ? EXIT_SUCCESS : complain(error));
}

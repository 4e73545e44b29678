/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plugin/trust.h"

#include "base/i18n.h"
#include "plugin/loader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
refuse(GError **error, const char *file, const char *text)
{
    g_set_error(error, MM_PLUGIN_ERROR, MM_PLUGIN_ERROR_FILE, "%s: %s", file, text);
    return FALSE;
}

static gboolean
is_ours(const struct stat *status)
{
    return status->st_uid == 0 || status->st_uid == geteuid();
}

static gboolean
is_writable_by_others(const struct stat *status)
{
    return (status->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

static gboolean
check_file(const char *file, GError **error)
{
    struct stat status;
    if (stat(file, &status) != 0)
        return refuse(error, file, g_strerror(errno));
    if (!S_ISREG(status.st_mode))
        return refuse(error, file, _("a plugin must be a regular file"));
    if (!is_ours(&status))
        return refuse(error, file, _("a plugin must belong to root or to the user we run as"));
    if (is_writable_by_others(&status))
        return refuse(error, file, _("a plugin must not be writable by group or others"));
    return TRUE;
}

static gboolean
check_folder(const char *file, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(file);
    struct stat status;
    if (stat(folder, &status) != 0)
        return refuse(error, folder, g_strerror(errno));
    if (!is_ours(&status))
        return refuse(error, folder,
                      _("the folder of a plugin must belong to root or to the user we run as"));
    if (is_writable_by_others(&status) && (status.st_mode & S_ISVTX) == 0)
        return refuse(error, folder,
                      _("the folder of a plugin must not be writable by group or others"));
    return TRUE;
}

gboolean
mm_plugin_check_trust(const char *file, GError **error)
{
    if (!check_file(file, error) || !check_folder(file, error))
        return FALSE;
    char *real = realpath(file, NULL);
    gboolean good = real ? check_folder(real, error) : refuse(error, file, g_strerror(errno));
    free(real);
    return good;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/privileges.h"

#include "base/i18n.h"

#include <errno.h>
#include <gio/gio.h>
#include <grp.h>
#include <pwd.h>
#include <sys/types.h>
#include <unistd.h>

#define DEFAULT_USER "milter-manager"
#define DEFAULT_SOCKET_GROUP "mail"

char *
mm_privileges_socket_group(const MmSettings *manager)
{
    const char *name = mm_settings_get_string(manager, "unix-socket-group");
    if (*name)
        return g_strdup(name);
    return g_strdup(geteuid() == 0 && getgrnam(DEFAULT_SOCKET_GROUP) ? DEFAULT_SOCKET_GROUP : "");
}

static gboolean
fail(GError **error, const char *format, const char *name)
{
    g_autofree char *text = g_strdup_printf("%s: %s", name, format);
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, text);
    return FALSE;
}

static gboolean
become(const struct passwd *user, gid_t gid, GError **error)
{
    if (initgroups(user->pw_name, gid) != 0 || setgid(gid) != 0 || setuid(user->pw_uid) != 0)
        return fail(error, g_strerror(errno), user->pw_name);
    if (user->pw_uid != 0 && setuid(0) == 0)
        return fail(error, _("root's rights could not be given up"), user->pw_name);
    return TRUE;
}

gboolean
mm_privileges_drop(const MmSettings *manager, GError **error)
{
    if (geteuid() != 0)
        return TRUE;
    const char *name = mm_settings_get_string(manager, "user");
    const char *group_name = mm_settings_get_string(manager, "group");
    const struct passwd *user = getpwnam(*name ? name : DEFAULT_USER);
    if (!user)
        return fail(error,
                    *name ? _("there is no such user")
                          : _("not serving as root: make this user, or name one with --user-name"),
                    *name ? name : DEFAULT_USER);
    gid_t gid = user->pw_gid;
    if (*group_name) {
        const struct group *group = getgrnam(group_name);
        if (!group)
            return fail(error, _("there is no such group"), group_name);
        gid = group->gr_gid;
    }
    return become(user, gid, error);
}

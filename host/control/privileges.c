/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/privileges.h"

#include "base/i18n.h"

#include <errno.h>
#include <gio/gio.h>
#include <grp.h>
#include <pwd.h>
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
fail(GError **error, const char *name, const char *text)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "%s: %s", name, text);
    return FALSE;
}

void
mm_identity_clear(MmIdentity *identity)
{
    g_clear_pointer(&identity->name, g_free);
}

gboolean
mm_privileges_find(const MmSettings *manager, MmIdentity *identity, GError **error)
{
    *identity = (MmIdentity){.uid = geteuid(), .gid = getegid()};
    if (geteuid() != 0)
        return TRUE;
    const char *name = mm_settings_get_string(manager, "user");
    const char *group_name = mm_settings_get_string(manager, "group");
    const struct passwd *user = getpwnam(*name ? name : DEFAULT_USER);
    if (!user && *name)
        return fail(error, name, _("there is no such user"));
    if (!user) {
        g_set_error(
            error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
            _("there is no user “%s” to become, and root does not serve: make that user, or "
              "name another with --user-name"),
            DEFAULT_USER);
        return FALSE;
    }
    const struct group *group = *group_name ? getgrnam(group_name) : NULL;
    if (*group_name && !group)
        return fail(error, group_name, _("there is no such group"));
    *identity =
        (MmIdentity){g_strdup(user->pw_name), user->pw_uid, group ? group->gr_gid : user->pw_gid};
    return TRUE;
}

/* setgid and setuid of root set the real, effective and saved ids; with the ids all capabilities
 * go. */
gboolean
mm_privileges_drop(const MmIdentity *identity, GError **error)
{
    const char *name = identity->name;
    if (!name)
        return TRUE;
    if (initgroups(name, identity->gid) != 0 || setgid(identity->gid) != 0 ||
        setuid(identity->uid) != 0)
        return fail(error, name, g_strerror(errno));
    if (identity->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
        return fail(error, name, _("root's rights could not be given up"));
    return TRUE;
}

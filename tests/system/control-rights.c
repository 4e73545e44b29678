/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Started as root: who the host becomes, what it keeps (nothing of root's), who can connect, and
 * that reload and the end work without root's rights. The users are made for the test, in an
 * /etc that this process alone sees; where that cannot be had they are removed afterwards.
 */
#include "manager.h"
#include "mta.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* As the guide's: the host, the MTA's user in group mail, and one who is not. */
static char *server, *mta, *stranger;

static void command(const char *format, ...) G_GNUC_PRINTF(1, 2);

static void
command(const char *format, ...)
{
    g_autoptr(GError) error = NULL;
    int status;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_spawn_command_line_sync(line, NULL, NULL, &status, &error);
    g_assert_no_error(error);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        g_error("%s: status %d", line, status);
}

static char *
add_user(const char *word, const char *groups)
{
    char *name = g_strdup_printf("mm-%s-%d", word, (int)getpid());
    command("useradd --system --no-create-home --shell /usr/sbin/nologin %s%s %s",
            groups ? "--groups " : "", groups ? groups : "", name);
    return name;
}

static void
remove_users(void)
{
    char *const names[] = {server, mta, stranger};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i])
            command("userdel %s", names[i]);
    }
}

/* TRUE if name can connect to the socket. */
static gboolean
connects(const char *name, const char *path)
{
    const struct passwd *user = getpwnam(name);
    int status;
    g_assert_nonnull(user);
    pid_t pid = fork();
    if (pid == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
        if (initgroups(name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
            setuid(user->pw_uid) != 0)
            _exit(2);
        _exit(connect(fd, (const struct sockaddr *)(gpointer)&address, sizeof(address)) == 0 ? 0
                                                                                             : 1);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), <=, 1);
    return WEXITSTATUS(status) == 0;
}

/* ---- What the kernel says of a process. */

static char *
status_line(GPid pid, const char *name)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    const char *line = strstr(text, name);
    g_assert_nonnull(line);
    line += strlen(name);
    char *value = g_strndup(line, strcspn(line, "\n"));
    return g_strstrip(value);
}

static gint
compare_numbers(gconstpointer a, gconstpointer b)
{
    return atoi(*(char *const *)a) - atoi(*(char *const *)b);
}

/* Numbers in order, each once. */
static char *
sorted(const char *numbers)
{
    g_auto(GStrv) words = g_strsplit_set(numbers, " \t\n", -1);
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    for (guint i = 0; words[i]; i++) {
        if (*words[i])
            g_ptr_array_add(list, words[i]);
    }
    g_ptr_array_sort(list, compare_numbers);
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++) {
        const char *word = g_ptr_array_index(list, i);
        if (i == 0 || strcmp(word, g_ptr_array_index(list, i - 1)) != 0)
            g_string_append_printf(out, "%s ", word);
    }
    return g_string_free(out, FALSE);
}

static void
assert_groups(GPid pid, const char *user)
{
    g_autofree char *line = g_strdup_printf("id -G %s", user);
    g_autofree char *said = NULL;
    g_assert_true(g_spawn_command_line_sync(line, &said, NULL, NULL, NULL));
    g_autofree char *kernel = status_line(pid, "\nGroups:");
    g_autofree char *expected = sorted(said);
    g_autofree char *found = sorted(kernel);
    g_assert_cmpstr(found, ==, expected);
}

static void
assert_ids(GPid pid, const char *name, guint id)
{
    g_autofree char *found = status_line(pid, name);
    g_autofree char *expected = g_strdup_printf("%u\t%u\t%u\t%u", id, id, id, id);
    g_assert_cmpstr(found, ==, expected);
}

static void
assert_dropped(GPid pid)
{
    static const char *const sets[] = {"\nCapInh:", "\nCapPrm:", "\nCapEff:", "\nCapAmb:"};
    const struct passwd *user = getpwnam(server);
    assert_ids(pid, "\nUid:", user->pw_uid);
    assert_ids(pid, "\nGid:", user->pw_gid);
    assert_groups(pid, server);
    for (guint i = 0; i < G_N_ELEMENTS(sets); i++) {
        g_autofree char *set = status_line(pid, sets[i]);
        g_assert_cmpstr(set, ==, "0000000000000000");
    }
}

/* ---- A host below a folder of its own in /run. */

typedef struct Run {
    Place place;
    char *folder; /* below /run, not made yet */
    char *spec;
} Run;

static void
run_init(Run *run)
{
    place_init(&run->place);
    g_assert_cmpint(g_chmod(run->place.folder, 0755), ==, 0);
    run->folder = g_strdup_printf("/run/mm-test-%d", (int)getpid());
    g_free(run->place.socket);
    g_free(run->place.control);
    run->place.socket = g_build_filename(run->folder, "m.sock", NULL);
    run->place.control = g_build_filename(run->folder, "m-control.sock", NULL);
}

static void
run_write(const Run *run, const char *more)
{
    g_autofree char *text = g_strdup_printf("[manager]\nconnection-spec='unix:%s'\nuser='%s'\n%s\n",
                                            run->place.socket, server, more);
    g_assert_true(g_file_set_contents_full(run->place.config, text, -1, G_FILE_SET_CONTENTS_NONE,
                                           0644, NULL));
}

/* The option of manager_spawn names the test's user: the last one counts. Root's groups at the
 * start are more than none. */
static Manager *
run_start(const Run *run)
{
    g_autofree char *user = g_strconcat("--user-name=", server, NULL);
    g_autofree char *pid_file = g_strdup_printf("--pid-file=%s/pid", run->place.folder);
    const char *const wrapper[] = {"setpriv", "--groups=0,1,2,3,4,6", NULL};
    const char *const options[] = {"--no-daemon", "--log-target=stdout", user, pid_file, NULL};
    Manager *manager = manager_spawn(&run->place, wrapper, NULL, options);
    manager_wait_log(manager, "started:", NULL, 1);
    return manager;
}

static void
run_clear(Run *run)
{
    g_assert_cmpint(g_rmdir(run->folder), ==, 0); /* empty: the sockets are gone */
    g_free(run->folder);
    place_clear(&run->place);
}

static void
test_rights(void)
{
    Run run = {0};
    struct stat status;
    run_init(&run);
    run_write(&run, "");
    Manager *manager = run_start(&run);
    g_autofree char *pid_file = place_file(&run.place, "pid");
    assert_dropped(manager_pid(manager));
    g_assert_cmpint(stat(run.place.socket, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0660);
    g_assert_cmpuint(status.st_uid, ==, getpwnam(server)->pw_uid);
    g_assert_cmpuint(status.st_gid, ==, getgrnam("mail")->gr_gid);
    g_assert_cmpint(stat(run.place.control, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
    g_assert_cmpuint(status.st_uid, ==, getpwnam(server)->pw_uid);
    g_assert_true(connects(mta, run.place.socket));
    g_assert_false(connects(stranger, run.place.socket));
    g_assert_false(connects(mta, run.place.control));
    g_assert_true(connects(server, run.place.control));
    if (getpwnam("postfix")) {
        g_autofree char *groups = NULL;
        g_spawn_command_line_sync("id -Gn postfix", &groups, NULL, NULL, NULL);
        g_assert_cmpint(connects("postfix", run.place.socket), ==, strstr(groups, "mail") != NULL);
    }
    /* All of it goes on without root's rights. */
    run_write(&run, "max-sessions=3");
    manager_reload(manager, "reloaded:");
    manager_wait_log(manager, "config-changed:", "key=max-sessions", 1);
    close(mta_open(run.place.socket));
    manager_stop(manager);
    /* Its folder is root's: the file could only be emptied. */
    g_assert_cmpint(stat(pid_file, &status), ==, 0);
    g_assert_cmpint(status.st_size, ==, 0);
    run_clear(&run);
}

/* Readable by root alone: it serves, and says that a reload will not be possible. */
static void
test_unreadable(void)
{
    Run run = {0};
    run_init(&run);
    run_write(&run, "");
    g_assert_cmpint(g_chmod(run.place.config, 0600), ==, 0);
    Manager *manager = run_start(&run);
    manager_wait_log(manager, "config-unreadable:", run.place.config, 1);
    manager_reload(manager, "reload-refused:");
    close(mta_open(run.place.socket));
    manager_stop(manager);
    run_clear(&run);
}

#ifdef CLONE_NEWNS
/* An /etc of our own on top of the real one, gone with this process. A lock that a user tool left
 * behind when it was killed is no reason to fail. */
static gboolean
own_etc(void)
{
    static const char options[] = "lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work";
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", "/mnt", "tmpfs", 0, "mode=0755") != 0 || g_mkdir("/mnt/upper", 0755) != 0 ||
        g_mkdir("/mnt/work", 0755) != 0 || mount("overlay", "/etc", "overlay", 0, options) != 0)
        return FALSE;
    static const char *const locks[] = {"/etc/passwd.lock", "/etc/group.lock",
                                        "/etc/shadow.lock", "/etc/gshadow.lock",
                                        "/etc/subuid.lock", "/etc/subgid.lock"};
    for (guint i = 0; i < G_N_ELEMENTS(locks); i++)
        g_unlink(locks[i]);
    return TRUE;
}
#else
static gboolean
own_etc(void)
{
    return FALSE;
}
#endif

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_autofree char *useradd = g_find_program_in_path("useradd");
    g_autofree char *setpriv = g_find_program_in_path("setpriv");
    if (geteuid() != 0 || !useradd || !setpriv || !getgrnam("mail")) {
        g_print("1..0 # SKIP needs root, useradd, setpriv and a group mail\n");
        return 0;
    }
    if (!own_etc())
        atexit(remove_users);
    server = add_user("server", "games");
    mta = add_user("mta", "mail");
    stranger = add_user("stranger", NULL);
    g_test_add_func("/system/control/rights", test_rights);
    g_test_add_func("/system/control/unreadable", test_unreadable);
    return g_test_run();
}

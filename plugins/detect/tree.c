/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "detect/tree.h"

#include "detect/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 32
#define PATH_LENGTH_MAX 4096u

struct DetectTree {
    char *root; /* without a slash at its end: "" for "/" */
};

DetectTree *
detect_tree_new(const char *root)
{
    DetectTree *tree = g_new0(DetectTree, 1);
    tree->root = g_strdup(root);
    for (gsize length = strlen(tree->root); length > 0 && tree->root[length - 1] == '/'; length--)
        tree->root[length - 1] = '\0';
    return tree;
}

void
detect_tree_free(DetectTree *tree)
{
    if (!tree)
        return;
    g_free(tree->root);
    g_free(tree);
}

static char *
outside(const DetectTree *tree, const char *path)
{
    return g_strconcat(tree->root, *path ? path : "/", NULL);
}

/* ---- Links. */

/* The target of a link; NULL if path is none. */
static char *
read_link(const DetectTree *tree, const char *path)
{
    g_autofree char *real = outside(tree, path);
    char target[PATH_LENGTH_MAX];
    gssize length = readlink(real, target, sizeof(target) - 1);
    if (length < 0)
        return NULL;
    target[length] = '\0';
    return g_strdup(target);
}

static void
go_up(GString *done)
{
    const char *slash = strrchr(done->str, '/');
    if (slash)
        g_string_truncate(done, (gsize)(slash - done->str));
}

/* Puts a link's target before what is still to be walked. */
static void
follow(GString *done, GString *rest, const char *target)
{
    if (*target == '/')
        g_string_truncate(done, 0);
    g_string_prepend_c(rest, '/');
    g_string_prepend(rest, target);
}

/* Takes the first part off rest; NULL: none left. */
static char *
next_part(GString *rest)
{
    gsize start = strspn(rest->str, "/");
    gsize length = strcspn(rest->str + start, "/");
    if (length == 0)
        return NULL;
    char *part = g_strndup(rest->str + start, length);
    g_string_erase(rest, 0, (gssize)(start + length));
    return part;
}

/* FALSE: a loop, or longer than a path may be. */
static gboolean
walk(const DetectTree *tree, GString *done, GString *rest)
{
    guint links = 0;
    for (;;) {
        g_autofree char *part = next_part(rest);
        if (!part)
            return TRUE;
        if (strcmp(part, ".") == 0)
            continue;
        if (strcmp(part, "..") == 0) {
            go_up(done);
            continue;
        }
        gsize before = done->len;
        g_string_append_c(done, '/');
        g_string_append(done, part);
        g_autofree char *target = read_link(tree, done->str);
        if (target) {
            g_string_truncate(done, before);
            follow(done, rest, target);
            links++;
        }
        if (links > LINKS_MAX || done->len + rest->len > PATH_LENGTH_MAX)
            return FALSE;
    }
}

char *
detect_tree_resolve(const DetectTree *tree, const char *path)
{
    g_autoptr(GString) done = g_string_new(NULL);
    g_autoptr(GString) rest = g_string_new(path);
    if (*path != '/' || rest->len > PATH_LENGTH_MAX || !walk(tree, done, rest))
        return NULL;
    return g_strdup(done->len > 0 ? done->str : "/");
}

/* ---- Reading. */

/* -1 with errno. */
static int
open_in(const DetectTree *tree, const char *path, int flags)
{
    g_autofree char *resolved = detect_tree_resolve(tree, path);
    if (!resolved) {
        errno = *path == '/' ? ELOOP : ENOENT;
        return -1;
    }
    g_autofree char *real = outside(tree, resolved);
    return open(real, flags | O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
}

/* FALSE with why: it is not to be read. */
static gboolean
is_readable(int fd, char **why)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        *why = g_strdup(g_strerror(errno));
    else if (!S_ISREG(status.st_mode))
        *why = g_strdup(_("it is not a regular file"));
    else if (status.st_size > (off_t)DETECT_FILE_MAX)
        *why = g_strdup_printf(_("it is larger than %u bytes"), DETECT_FILE_MAX);
    return *why == NULL;
}

static gboolean
read_all(int fd, GString *out, char **why)
{
    char room[16384];
    for (;;) {
        gssize n = read(fd, room, sizeof(room));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            *why = g_strdup(g_strerror(errno));
        if (n <= 0)
            return n == 0;
        g_string_append_len(out, room, n);
        if (out->len > DETECT_FILE_MAX) {
            *why = g_strdup_printf(_("it is larger than %u bytes"), DETECT_FILE_MAX);
            return FALSE;
        }
    }
}

DetectRead
detect_tree_read(const DetectTree *tree, const char *path, char **text, char **why)
{
    *text = NULL;
    *why = NULL;
    int fd = open_in(tree, path, 0);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return DETECT_READ_ABSENT;
    if (fd < 0) {
        *why = g_strdup(g_strerror(errno));
        return DETECT_READ_FAILED;
    }
    g_autoptr(GString) out = g_string_new(NULL);
    gboolean good = is_readable(fd, why) && read_all(fd, out, why);
    close(fd);
    if (good && memchr(out->str, '\0', out->len)) {
        *why = g_strdup(_("it is not a text: it has NUL bytes"));
        good = FALSE;
    }
    if (!good)
        return DETECT_READ_FAILED;
    *text = g_strndup(out->str, out->len);
    return DETECT_READ_OK;
}

/* ---- Directories and tests. */

static int
by_bytes(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean
gather(DIR *directory, GPtrArray *names)
{
    const struct dirent *entry;
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        if (names->len == DETECT_ENTRIES_MAX)
            return FALSE;
        g_ptr_array_add(names, g_strdup(entry->d_name));
    }
    return TRUE;
}

char **
detect_tree_list(const DetectTree *tree, const char *path)
{
    int fd = open_in(tree, path, O_DIRECTORY);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        int problem = errno;
        if (fd >= 0)
            close(fd);
        errno = problem;
        return NULL;
    }
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    gboolean all = gather(directory, names);
    closedir(directory);
    if (!all) {
        g_ptr_array_unref(names);
        errno = EFBIG;
        return NULL;
    }
    g_ptr_array_sort(names, by_bytes);
    g_ptr_array_add(names, NULL);
    return (char **)(gpointer)g_ptr_array_free(names, FALSE);
}

static gboolean
is_link(const DetectTree *tree, const char *path)
{
    g_autofree char *parent = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *resolved = detect_tree_resolve(tree, parent);
    if (!resolved)
        return FALSE;
    g_autofree char *inside = g_build_filename(resolved, name, NULL);
    g_autofree char *target = read_link(tree, inside);
    return target != NULL;
}

static gboolean
test_kind(char kind, const struct stat *status)
{
    switch (kind) {
    case 'e':
        return TRUE;
    case 'f':
        return S_ISREG(status->st_mode);
    case 'd':
        return S_ISDIR(status->st_mode);
    case 'S':
        return S_ISSOCK(status->st_mode);
    case 'p':
        return S_ISFIFO(status->st_mode);
    case 'b':
        return S_ISBLK(status->st_mode);
    case 'c':
        return S_ISCHR(status->st_mode);
    case 's':
        return status->st_size > 0;
    case 'r':
    case 'w':
        return TRUE;
    case 'x':
        return (status->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
    default:
        return FALSE;
    }
}

gboolean
detect_tree_test(const DetectTree *tree, char kind, const char *path)
{
    if (*path != '/')
        return FALSE;
    if (kind == 'L' || kind == 'h')
        return is_link(tree, path);
    g_autofree char *resolved = detect_tree_resolve(tree, path);
    if (!resolved)
        return FALSE;
    g_autofree char *real = outside(tree, resolved);
    struct stat status;
    return lstat(real, &status) == 0 && test_kind(kind, &status);
}

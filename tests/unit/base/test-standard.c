/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Standard input, output and error of a command: closed ones, and what does not arrive. */
#include "base/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The exit code of a child that does it. */
static int
in_child(int (*function)(void))
{
    int status;
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0)
        _exit(function());
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* 0: no file got the number of what was closed, and its use still fails. */
static int
use_closed(void)
{
    char byte = 'x';
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    mm_standard_begin();
    if (open("/dev/null", O_RDWR) <= STDERR_FILENO)
        return 1;
    if (write(STDOUT_FILENO, &byte, 1) >= 0 || errno != EBADF)
        return 2;
    if (write(STDERR_FILENO, &byte, 1) >= 0 || errno != EBADF)
        return 3;
    return read(STDIN_FILENO, &byte, 1) < 0 && errno == EBADF ? 0 : 4;
}

static void
test_closed(void)
{
    g_assert_cmpint(in_child(use_closed), ==, 0);
}

/* What is open stays what it is. */
static int
use_open(void)
{
    int fds[2];
    char text[4] = "";
    if (pipe(fds) != 0 || dup2(fds[1], STDOUT_FILENO) < 0)
        return 1;
    mm_standard_begin();
    if (write(STDOUT_FILENO, "abc", 3) != 3 || read(fds[0], text, 3) != 3)
        return 2;
    return strcmp(text, "abc");
}

static void
test_open(void)
{
    g_assert_cmpint(in_child(use_open), ==, 0);
}

/* Standard error of the child must have text; the exit code. */
static int
end_with(const char *name, int code, const char *text)
{
    int fds[2];
    char said[256] = "";
    int file = open(name, O_WRONLY);
    if (file < 0 || pipe(fds) != 0 || dup2(fds[1], STDERR_FILENO) < 0 ||
        dup2(file, STDOUT_FILENO) < 0)
        return 100;
    printf("a line\n");
    int result = mm_standard_end("program", code);
    close(fds[1]);
    close(STDERR_FILENO);
    if (read(fds[0], said, sizeof(said) - 1) < 0)
        return 101;
    return strcmp(said, text) == 0 ? result : 102;
}

static int
end_good(void)
{
    return end_with("/dev/null", 3, "");
}

static int
end_full(void)
{
    return end_with("/dev/full", EXIT_SUCCESS,
                    "program: standard output: No space left on device\n");
}

static int
end_full_failed(void)
{
    return end_with("/dev/full", 3, "program: standard output: No space left on device\n");
}

static void
test_end(void)
{
    g_assert_cmpint(in_child(end_good), ==, 3);
    if (!g_file_test("/dev/full", G_FILE_TEST_EXISTS)) {
        g_test_skip("there is no /dev/full");
        return;
    }
    g_assert_cmpint(in_child(end_full), ==, 1);
    g_assert_cmpint(in_child(end_full_failed), ==, 3);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/standard/closed", test_closed);
    g_test_add_func("/base/standard/open", test_open);
    g_test_add_func("/base/standard/end", test_end);
    return g_test_run();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real milter-manager with the detector: --show-config, overriding groups, HUP. */
#include "host.h"
#include "tree.h"

#include <glib/gstdio.h>
#include <string.h>

#define DETECTOR "[stages/installed]\nplugin='rc-conf'\n"

typedef struct Place {
    char *root;      /* the guide's tree */
    char *directory; /* for the configuration */
    char *option;    /* --root */
} Place;

static Place
place_new(void)
{
    g_autofree char *common = tree_load("common.tree");
    g_autofree char *guide = tree_load("guide.tree");
    const char *const texts[] = {common, guide, NULL};
    Place place = {tree_make(texts), tree_make(texts + 2), NULL};
    place.option = g_strconcat("--root=", place.root, NULL);
    return place;
}

static void
place_free(Place *place)
{
    tree_remove(place->root);
    tree_remove(place->directory);
    g_free(place->option);
}

/* What --show-config prints; the warnings are in *problems. */
static char *
show(const Place *place, const char *config, int code, char **problems)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) folders = g_strsplit(g_getenv("PLUGIN_PATH"), ":", -1);
    g_autofree char *file = g_build_filename(place->directory, "c.conf", NULL);
    char *out;
    int status;
    g_file_set_contents(file, config, -1, &error);
    g_assert_no_error(error);
    g_strv_builder_add_many(builder, g_getenv("MILTER_MANAGER"), "-c", file, place->option,
                            "--show-config", NULL);
    for (guint i = 0; folders[i]; i++) {
        g_autofree char *option = g_strconcat("--plugin-path=", folders[i], NULL);
        g_strv_builder_add(builder, option);
    }
    g_auto(GStrv) arguments = g_strv_builder_end(builder);
    g_spawn_sync(NULL, arguments, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, problems, &status,
                 &error);
    g_assert_no_error(error);
    g_test_message("%s", *problems);
    g_assert_cmpint(status, ==, code << 8);
    return out;
}

/* A group's text; NULL: there is none. */
static char *
group_of(const char *config, const char *name)
{
    g_autofree char *head = g_strdup_printf("\n[stages/%s]\n", name);
    const char *start = strstr(config, head);
    if (!start)
        return NULL;
    const char *end = strstr(start + strlen(head), "\n[");
    return end ? g_strndup(start, (gsize)(end - start)) : g_strdup(start);
}

static void
check_key(const char *config, const char *name, const char *origin, const char *line)
{
    g_autofree char *group = group_of(config, name);
    g_autofree char *both = g_strdup_printf("\n# %s\n%s\n", origin, line);
    g_assert_nonnull(group);
    if (!strstr(group, both))
        g_test_message("no “%s” from “%s” in %s", line, origin, group);
    g_assert_true(strstr(group, both) != NULL);
}

/* What the FreeBSD guide tells to look at. */
static void
test_guide(void)
{
    Place place = place_new();
    g_autofree char *problems = NULL;
    g_autofree char *config = show(&place, DETECTOR, 0, &problems);
    check_key(config, "milter-greylist", "rc-conf: /etc/rc.conf:12", "enabled=true");
    check_key(config, "milter-greylist", "rc-conf: /usr/local/etc/rc.d/milter-greylist:19",
              "connection-spec='unix:/var/milter-greylist/milter-greylist.sock'");
    check_key(config, "milter-greylist", "rc-conf: default",
              "conditions=['s25r', 'remote', '!authenticated']");
    check_key(config, "milter-greylist", "rc-conf: default", "fallback-status='accept'");
    check_key(config, "clamav-milter", "rc-conf: /etc/rc.conf:8", "enabled=true");
    check_key(config, "clamav-milter", "rc-conf: /usr/local/etc/clamav-milter.conf:9",
              "connection-spec='unix:/var/run/clamav/clmilter.sock'");
    check_key(config, "clamav-milter", "default", "conditions=[]");
    check_key(config, "spamass-milter", "rc-conf: /etc/rc.conf:2", "enabled=true");
    check_key(config, "spamass-milter", "rc-conf: /etc/rc.conf:3",
              "connection-spec='unix:/var/run/spamass-milter/spamass-milter.sock'");
    check_key(config, "spamass-milter", "rc-conf: default",
              "conditions=['remote', '!authenticated']");
    check_key(config, "spamass-milter", "rc-conf: default", "fallback-status='temporary-failure'");
    g_assert_true(strstr(config, "stages/milter-greylist") < strstr(config, "stages/clamav"));
    g_assert_null(strstr(config, "\n[stages/installed]"));
    g_assert_null(strstr(config, "miltermanager"));
    g_assert_nonnull(strstr(problems, "[stages/clamav-milter]"));
    place_free(&place);
}

/* Plugins are asked for again and again; where they are may be said from here. */
static void
test_relative_path(void)
{
    Place place = place_new();
    g_auto(GStrv) folders = g_strsplit(g_getenv("PLUGIN_PATH"), ":", -1);
    g_autofree char *above = g_path_get_dirname(folders[0]);
    g_autofree char *here = g_get_current_dir();
    g_autofree char *problems = NULL;
    g_assert_cmpint(g_chdir(above), ==, 0);
    g_autofree char *before = g_strdup(g_getenv("PLUGIN_PATH"));
    g_setenv("PLUGIN_PATH", "rc-conf:./relay", TRUE);
    g_autofree char *config = show(&place, DETECTOR, 0, &problems);
    g_setenv("PLUGIN_PATH", before, TRUE);
    g_assert_cmpint(g_chdir(here), ==, 0);
    check_key(config, "spamass-milter", "rc-conf: /etc/rc.conf:3",
              "connection-spec='unix:/var/run/spamass-milter/spamass-milter.sock'");
    place_free(&place);
}

/* Fed back it gives the same chain without a detector. */
static void
test_fed_back(void)
{
    Place place = place_new();
    g_autofree char *problems = NULL;
    g_autofree char *more = NULL;
    g_autofree char *first = show(&place, DETECTOR, 0, &problems);
    g_autofree char *second = show(&place, first, 0, &more);
    const char *const names[] = {"milter-greylist", "clamav-milter", "spamass-milter"};
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *a = group_of(first, names[i]);
        g_autofree char *b = group_of(second, names[i]);
        g_auto(GStrv) one = g_strsplit(a, "\n", -1);
        g_auto(GStrv) other = g_strsplit(b, "\n", -1);
        g_assert_cmpuint(g_strv_length(one), ==, g_strv_length(other));
        for (guint j = 0; one[j]; j++)
            if (*one[j] != '#')
                g_assert_cmpstr(one[j], ==, other[j]);
    }
    place_free(&place);
}

static void
test_override(void)
{
    Place place = place_new();
    g_autofree char *problems = NULL;
    g_autofree char *config =
        show(&place,
             "[stages/spamass-milter]\nreading-timeout=9.0\n"
             "conditions=[]\n" DETECTOR "[stages/clamav-milter]\nplugin='relay'\nenabled=false\n"
             "[stages/milter-greylist]\n"
             "connection-spec='unix:/elsewhere'\n"
             "[stages/absent]\nreading-timeout=1.0\n",
             0, &problems);
    check_key(config, "spamass-milter", "rc-conf: /etc/rc.conf:3",
              "connection-spec='unix:/var/run/spamass-milter/spamass-milter.sock'");
    g_autofree char *spamass = group_of(config, "spamass-milter");
    g_assert_nonnull(strstr(spamass, "reading-timeout=9.0\n"));
    g_assert_nonnull(strstr(spamass, "conditions=[]\n"));
    g_autofree char *clamav = group_of(config, "clamav-milter");
    g_assert_nonnull(strstr(clamav, "enabled=false\n"));
    check_key(config, "clamav-milter", "rc-conf: /usr/local/etc/clamav-milter.conf:9",
              "connection-spec='unix:/var/run/clamav/clmilter.sock'");
    g_autofree char *greylist = group_of(config, "milter-greylist");
    g_assert_nonnull(strstr(greylist, "connection-spec='unix:/elsewhere'\n"));
    check_key(config, "milter-greylist", "rc-conf: default", "fallback-status='accept'");
    g_assert_true(strstr(config, "\n[stages/spamass") < strstr(config, "\n[stages/clamav"));
    g_assert_true(strstr(config, "\n[stages/clamav") < strstr(config, "\n[stages/milter-grey"));
    g_assert_null(strstr(config, "\n[stages/absent]"));
    g_assert_nonnull(strstr(problems, "[stages/absent]"));
    place_free(&place);
}

/* Another plugin of the same name is no detected stage. */
static void
test_stands_alone(void)
{
    Place place = place_new();
    g_autofree char *problems = NULL;
    g_autofree char *config =
        show(&place, DETECTOR "[stages/clamav-milter]\nplugin='rc-conf'\nmilters=['opendkim']\n", 0,
             &problems);
    g_assert_null(group_of(config, "clamav-milter"));
    g_assert_nonnull(strstr(config, "\n[stages/spamass-milter]"));
    place_free(&place);
}

/* rc.conf says no, a group says yes. */
static void
test_enabled_by_group(void)
{
    Place place = place_new();
    g_autofree char *problems = NULL;
    tree_write(place.root, "/etc/rc.conf", "clamav_milter_enable=NO\n");
    g_autofree char *without = show(&place, DETECTOR, 0, &problems);
    g_clear_pointer(&problems, g_free);
    g_autofree char *with =
        show(&place, DETECTOR "[stages/clamav-milter]\nenabled=true\n", 0, &problems);
    g_assert_null(group_of(without, "clamav-milter"));
    g_assert_null(group_of(without, "spamass-milter"));
    g_autofree char *group = group_of(with, "clamav-milter");
    g_assert_nonnull(strstr(group, "enabled=true\n"));
    check_key(with, "clamav-milter", "rc-conf: /usr/local/etc/clamav-milter.conf:9",
              "connection-spec='unix:/var/run/clamav/clmilter.sock'");
    place_free(&place);
}

static void
test_keys(void)
{
    Place place = place_new();
    g_autofree char *problems = NULL;
    tree_write(place.root, "/other/rc.conf", "spamass_milter_enable=YES\n");
    g_autofree char *files =
        show(&place, DETECTOR "rc-conf-files=['/other/rc.conf']\n", 0, &problems);
    g_assert_null(group_of(files, "clamav-milter"));
    check_key(files, "spamass-milter", "rc-conf: /other/rc.conf:1", "enabled=true");
    g_clear_pointer(&problems, g_free);
    g_autofree char *some =
        show(&place, DETECTOR "milters=['clamav-milter', 'clamav']\n", 0, &problems);
    g_assert_null(group_of(some, "spamass-milter"));
    g_assert_nonnull(strstr(some, "\n[stages/clamav-milter]"));
    g_assert_nonnull(strstr(problems, "“clamav”"));
    place_free(&place);
}

/* A profile whose stage could have no name leaves the others as they are. */
static void
test_long_profile(void)
{
    Place place = place_new();
    g_autofree char *problems = NULL;
    g_autofree char *profile = g_strnfill(60, 'z');
    g_autofree char *conf =
        g_strdup_printf("milteropendkim_enable=YES\nmilteropendkim_profiles=\"a %s\"\n"
                        "milteropendkim_a_socket=/run/a\nmilteropendkim_%s_socket=/run/z\n",
                        profile, profile);
    tree_write(place.root, "/etc/rc.conf", conf);
    tree_write(place.root, "/usr/local/etc/rc.d/milter-opendkim",
               ". /etc/rc.subr\nname=milteropendkim\nrcvar=milteropendkim_enable\n"
               "load_rc_config $name\n[ -n \"$2\" ] && eval "
               "milteropendkim_socket=\"\\${milteropendkim_${2}_socket}\"\n"
               "command=/usr/local/sbin/opendkim\ncommand_args=\"-p ${milteropendkim_socket}\"\n"
               "run_rc_command \"$1\"\n");
    g_autofree char *config = show(&place, DETECTOR, 0, &problems);
    check_key(config, "opendkim-a", "rc-conf: /etc/rc.conf:3", "connection-spec='unix:/run/a'");
    g_assert_null(strstr(config, "/run/z"));
    g_assert_nonnull(strstr(problems, profile));
    place_free(&place);
}

/* Bytes that are no text cost the milter whose socket they are. */
static void
test_no_text(void)
{
    Place place = place_new();
    g_autofree char *problems = NULL;
    tree_write(place.root, "/etc/rc.conf",
               "clamav_milter_enable=YES\nspamass_milter_enable=YES\n"
               "spamass_milter_socket=/run/\xff\n");
    g_autofree char *config = show(&place, DETECTOR, 0, &problems);
    g_assert_nonnull(strstr(config, "\n[stages/clamav-milter]"));
    g_assert_null(strstr(config, "\n[stages/spamass-milter]"));
    g_assert_nonnull(strstr(problems, "spamass-milter"));
    place_free(&place);
}

/* A folder that cannot be looked through hides all milters: that is said. */
static void
test_full_folder(void)
{
    Place place = place_new();
    g_autofree char *problems = NULL;
    for (guint i = 0; i <= 1024; i++) {
        g_autofree char *path = g_strdup_printf("/usr/local/etc/rc.d/x%u", i);
        tree_write(place.root, path, "");
    }
    g_autofree char *config = show(&place, DETECTOR, 0, &problems);
    g_assert_null(strstr(config, "\n[stages/spamass-milter]"));
    g_assert_nonnull(strstr(problems, "/usr/local/etc/rc.d: "));
    g_assert_null(strstr(problems, "/etc/rc.d: No such"));
    place_free(&place);
}

/* A record of the administrator's, and errors in one. */
static void
test_records(void)
{
    Place place = place_new();
    g_autofree char *problems = NULL;
    g_autofree char *file = g_build_filename(place.directory, "more.records", NULL);
    g_autofree char *text = g_strdup_printf(DETECTOR "records=['%s']\n", file);
    tree_write(place.root, "/etc/rc.conf", "milterown_enable=YES\nmilterown_flags='-s /run/o'\n");
    tree_write(place.root, "/usr/local/etc/rc.d/milter-own",
               ". /etc/rc.subr\nname=milterown\nrcvar=milterown_enable\n"
               "load_rc_config $name\ncommand=/usr/local/sbin/own\nrun_rc_command \"$1\"\n");
    tree_write(place.directory, "more.records",
               "# Ours\n[own]\nscripts = milter-own\nsocket = flag:s default\n"
               "conditions = remote # from elsewhere\nfallback = reject\nrank = 5\n");
    g_autofree char *config = show(&place, text, 0, &problems);
    check_key(config, "own", "rc-conf: /etc/rc.conf:2", "connection-spec='unix:/run/o'");
    g_autofree char *origin = g_strdup_printf("rc-conf: %s:2", file);
    check_key(config, "own", origin, "conditions=['remote']");
    check_key(config, "own", origin, "fallback-status='reject'");
    g_clear_pointer(&problems, g_free);
    tree_write(place.directory, "more.records", "[own]\nscript = x\nfallback = no\n[\nx\n");
    g_autofree char *none = show(&place, text, 1, &problems);
    const char *const expected[] = {":2: “script”", ":3: “no”", ":4: ", ":5: “x”"};
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_nonnull(strstr(problems, expected[i]));
    g_assert_null(strstr(none, "[stages/own]"));
    place_free(&place);
}

static void
test_one_socket(void)
{
    Place place = place_new();
    g_autofree char *problems = NULL;
    tree_write(place.root, "/etc/rc.conf",
               "spamass_milter_enable=YES\nclamav_milter_enable=YES\n"
               "spamass_milter_socket=/var/run/clamav/clmilter.sock\n");
    g_autofree char *config = show(&place, DETECTOR, 0, &problems);
    g_assert_nonnull(strstr(problems, "“clamav-milter”"));
    g_assert_nonnull(strstr(problems, "[stages/spamass-milter] connection-spec: "));
    g_assert_nonnull(strstr(config, "\n[stages/spamass-milter]"));
    place_free(&place);
}

/* A milter found on our own socket would talk to itself. */
static void
test_own_socket(void)
{
    Place place = place_new();
    g_autofree char *problems = NULL;
    g_autofree char *config =
        show(&place, "[manager]\nconnection-spec='unix:/var/run/clamav/clmilter.sock'\n" DETECTOR,
             0, &problems);
    g_assert_null(group_of(config, "clamav-milter"));
    g_assert_nonnull(strstr(config, "\n[stages/spamass-milter]"));
    g_assert_nonnull(strstr(problems, "[stages/clamav-milter]"));
    place_free(&place);
}

/* A tree so far down that no socket can be reached in it can be looked at all the same. */
static void
test_far_down(void)
{
    Place place = place_new();
    g_autoptr(GString) deep = g_string_new(place.root);
    while (deep->len < 120)
        g_string_append(deep, "/deeper");
    g_autofree char *problems = NULL;
    g_autofree char *folder = g_path_get_dirname(deep->str);
    g_autofree char *inside = g_build_filename(place.directory, "tree", NULL);
    g_assert_cmpint(g_rename(place.root, inside), ==, 0);
    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    g_assert_cmpint(g_rename(inside, deep->str), ==, 0);
    g_free(place.option);
    place.option = g_strconcat("--root=", deep->str, NULL);
    g_autofree char *config = show(&place, DETECTOR, 0, &problems);
    check_key(config, "spamass-milter", "rc-conf: /etc/rc.conf:3",
              "connection-spec='unix:/var/run/spamass-milter/spamass-milter.sock'");
    place_free(&place);
}

/* The longest tarpit of the rules, and one that no time-out can be. */
static void
test_tarpit(void)
{
    Place place = place_new();
    g_autofree char *problems = NULL;
    tree_write(place.root, "/usr/local/etc/mail/greylist.conf",
               "socket \"/s\"\nracl whitelist tarpit 65s\n");
    g_autofree char *some = show(&place, DETECTOR, 0, &problems);
    check_key(some, "milter-greylist", "rc-conf: /usr/local/etc/mail/greylist.conf:2",
              "reading-timeout=72.0");
    g_clear_pointer(&problems, g_free);
    tree_write(place.root, "/usr/local/etc/mail/greylist.conf", "racl whitelist tarpit 9w\n");
    g_autofree char *most = show(&place, DETECTOR, 0, &problems);
    check_key(most, "milter-greylist", "rc-conf: /usr/local/etc/mail/greylist.conf:1",
              "reading-timeout=86400.0");
    place_free(&place);
}

/* The same work is not done twice: milter-greylist is there, the built-in greylist stands down. */
static void
test_stand_down(void)
{
    Place place = place_new();
    g_autofree char *config = g_strdup_printf(
        "[manager]\nconnection-spec='unix:/mm.sock'\nunix-socket-group=''\nuser='%s'\n"
        "workers=1\nlog-level='notice'\n"
        "[stages/greylist]\nplugin='greylist'\nstore='memory:'\n" DETECTOR,
        g_get_user_name());
    const char *const options[] = {place.option, NULL};
    Host *host = host_start_with(place.directory, config, options);
    g_assert_cmpuint(host_count_log(host, "greylist-stands-down:"), ==, 1);
    tree_write(place.root, "/etc/rc.conf", "miltergreylist_enable=NO\n");
    host_reload(host, config);
    g_assert_cmpuint(host_count_log(host, "greylist-stands-down:"), ==, 1);
    host_stop(host);
    place_free(&place);
}

/* "clamav_milter_enable=NO" and HUP: it is not used any more. */
static void
test_reload(void)
{
    Place place = place_new();
    g_autofree char *config = g_strdup_printf(
        "[manager]\nconnection-spec='unix:/mm.sock'\nunix-socket-group=''\nuser='%s'\n"
        "workers=1\nlog-level='info'\n" DETECTOR,
        g_get_user_name());
    const char *const options[] = {place.option, NULL};
    Host *host = host_start_with(place.directory, config, options);
    host_wait_log(host, "started:", "stages=3");
    g_autofree char *path = g_build_filename(place.root, "etc/rc.conf", NULL);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_autofree char *off = g_strconcat(text, "clamav_milter_enable=\"NO\"\n", NULL);
    tree_write(place.root, "/etc/rc.conf", off);
    host_reload(host, config);
    host_wait_log(host, "reloaded:", "stages=2");
    host_stop(host);
    place_free(&place);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rc-conf/host/guide", test_guide);
    g_test_add_func("/rc-conf/host/relative-path", test_relative_path);
    g_test_add_func("/rc-conf/host/fed-back", test_fed_back);
    g_test_add_func("/rc-conf/host/override", test_override);
    g_test_add_func("/rc-conf/host/stands-alone", test_stands_alone);
    g_test_add_func("/rc-conf/host/enabled-by-group", test_enabled_by_group);
    g_test_add_func("/rc-conf/host/keys", test_keys);
    g_test_add_func("/rc-conf/host/long-profile", test_long_profile);
    g_test_add_func("/rc-conf/host/no-text", test_no_text);
    g_test_add_func("/rc-conf/host/full-folder", test_full_folder);
    g_test_add_func("/rc-conf/host/records", test_records);
    g_test_add_func("/rc-conf/host/one-socket", test_one_socket);
    g_test_add_func("/rc-conf/host/own-socket", test_own_socket);
    g_test_add_func("/rc-conf/host/far-down", test_far_down);
    g_test_add_func("/rc-conf/host/tarpit", test_tarpit);
    g_test_add_func("/rc-conf/host/stand-down", test_stand_down);
    g_test_add_func("/rc-conf/host/reload", test_reload);
    return g_test_run();
}

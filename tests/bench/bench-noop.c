/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A filter on libmilter that does nothing. */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3,
             unsigned long *a0, unsigned long *a1, unsigned long *a2, unsigned long *a3)
{
    (void)ctx;
    (void)f0;
    (void)f2;
    (void)f3;
    *a0 = 0;
    *a1 = f1 & (SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY);
    *a2 = 0;
    *a3 = 0;
    return SMFIS_CONTINUE;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
    (void)ctx;
    (void)name;
    (void)value;
    return SMFIS_NOREPLY;
}

static sfsistat
on_end_of_headers(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_NOREPLY;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t size)
{
    (void)ctx;
    (void)data;
    (void)size;
    return SMFIS_NOREPLY;
}

static sfsistat
on_end_of_message(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
    static char name[] = "bench-noop";
    const struct smfiDesc description = {.xxfi_name = name,
                                         .xxfi_version = SMFI_VERSION,
                                         .xxfi_header = on_header,
                                         .xxfi_eoh = on_end_of_headers,
                                         .xxfi_body = on_body,
                                         .xxfi_eom = on_end_of_message,
                                         .xxfi_negotiate = on_negotiate};
    if (argc != 2) {
        fprintf(stderr, "usage: bench-noop SPEC\n");
        return EXIT_FAILURE;
    }
    if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(description) != MI_SUCCESS)
        return EXIT_FAILURE;
    return smfi_main() == MI_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}

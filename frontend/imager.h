/* SPDX-License-Identifier: BSD-3-Clause */
/* The subcommands of the imager program. Each takes the arguments after its own name as argv[1] and following, and returns
 * the exit status. */
#ifndef FRONTEND_IMAGER_H
#define FRONTEND_IMAGER_H

int build_main(int argc, char **argv);           /* pack/build.c */
int cache_clean_main(int argc, char **argv);     /* settings/cache_command.c */
int cache_list_main(int argc, char **argv);      /* settings/cache_command.c */
int extract_main(int argc, char **argv);         /* pack/extract.c */
int pull_main(int argc, char **argv);            /* pull/pull.c */
int push_main(int argc, char **argv);            /* pull/push.c */
int read_files_main(int argc, char **argv);      /* image/squash_read.c */
int resolve_main(int argc, char **argv);         /* pull/resolve.c */
int seccomp_compile_main(int argc, char **argv); /* seccomp_profile.c */
int sif_header_main(int argc, char **argv);      /* sif/sif_tool.c, as those that follow */
int sif_list_main(int argc, char **argv);
int sif_info_main(int argc, char **argv);
int sif_dump_main(int argc, char **argv);
int sif_new_main(int argc, char **argv);
int sif_del_main(int argc, char **argv);
int sif_setprim_main(int argc, char **argv);
int sif_add_main(int argc, char **argv);        /* sif/sif_add.c */
int overlay_create_main(int argc, char **argv); /* sif/overlay_create.c */
int remote_add_main(int argc, char **argv);      /* library/remote_commands.c */
int remote_remove_main(int argc, char **argv);
int remote_use_main(int argc, char **argv);
int remote_list_main(int argc, char **argv);
int remote_login_main(int argc, char **argv);
int remote_logout_main(int argc, char **argv);
int remote_status_main(int argc, char **argv);
int remote_get_login_password_main(int argc, char **argv);
int keyserver_list_main(int argc, char **argv); /* library/keyserver_commands.c */
int keyserver_add_main(int argc, char **argv);
int keyserver_remove_main(int argc, char **argv);
int search_main(int argc, char **argv); /* library/library_commands.c */
int delete_main(int argc, char **argv);
int registry_login_main(int argc, char **argv);  /* registry/registry_commands.c */
int registry_logout_main(int argc, char **argv);
int registry_list_main(int argc, char **argv);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/ui/prompt.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "ipc/cleanup.h"

static int read_line(char **out, struct err *err)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	errno = 0;
	len = getline(&line, &size, stdin);
	if (len < 0) {
		int errnum = errno;

		free(line);
		if (errnum != 0 && !feof(stdin))
			return err_sys(err, errnum, "cannot read the answer");
		line = strdup("");
		if (!line)
			return err_sys(err, ENOMEM, "cannot read the answer");
	}
	line[strcspn(line, "\r\n")] = '\0';
	*out = line;
	return 0;
}

static void ask(const char *question)
{
	(void)fputs(question, stdout);
	(void)fflush(stdout);
}

int prompt_line(const char *question, char **out, struct err *err)
{
	ask(question);
	return read_line(out, err);
}

int prompt_yes_no(const char *question, bool by_default, bool *out, struct err *err)
{
	cleanup_ptr char *answer = NULL;
	int rc = prompt_line(question, &answer, err);

	if (rc < 0)
		return rc;
	if (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0)
		*out = true;
	else if (strcasecmp(answer, "n") == 0 || strcasecmp(answer, "no") == 0)
		*out = false;
	else if (answer[strspn(answer, " \t")] == '\0')
		*out = by_default;
	else
		return err_set(err, ERR_SYSTEM, EINVAL, "the answer is neither yes nor no: \"%s\"", answer);
	return 0;
}

/* A Ctrl-C between the two would leave a terminal that shows nothing any more: it waits until the terminal is as it was. */
int prompt_secret(const char *question, char **out, struct err *err)
{
	struct termios before, quiet;
	sigset_t ends, old;
	int rc;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) < 0)
		return err_set(err, ERR_SYSTEM, ENOTTY, "cannot ask for a secret: standard input is not a terminal");
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTSTP);
	(void)sigprocmask(SIG_BLOCK, &ends, &old);
	quiet = before;
	/* Ctrl-C becomes a character, and is looked for in the answer. */
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	ask(question);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	rc = read_line(out, err);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)fputc('\n', stdout);
	(void)fflush(stdout);
	if (rc == 0 && strchr(*out, '\003')) {
		prompt_free_secret(*out);
		*out = NULL;
		return err_set(err, ERR_SYSTEM, EINTR, "interrupted");
	}
	return rc;
}

int prompt_read_secret(char **out, struct err *err)
{
	return read_line(out, err);
}

void prompt_free_secret(char *secret)
{
	if (!secret)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}

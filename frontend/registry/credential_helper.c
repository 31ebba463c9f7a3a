/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/registry/credential_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "ipc/cleanup.h"

#define PREFIX "docker-credential-"
#define NAME_MAX_BYTES 64
#define ANSWER_MAX 65536
#define TOKEN_USER "<token>"
#define NOT_FOUND "credentials not found in native keychain"
#define EXIT_NO_PROGRAM 127

bool credential_helper_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= NAME_MAX_BYTES && name[0] != '-' && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

/* In the child: become the program, with the pipes as its standard input and output. */
_Noreturn static void become(char *program, const char *action, int in_fd, int out_fd)
{
	char copy[16];

	(void)snprintf(copy, sizeof(copy), "%s", action);
	char *argv[] = {program, copy, NULL};

	(void)signal(SIGPIPE, SIG_DFL); /* ignored while we talk to the network */
	if (dup2(in_fd, STDIN_FILENO) >= 0 && dup2(out_fd, STDOUT_FILENO) >= 0)
		(void)execvp(program, argv);
	_exit(EXIT_NO_PROGRAM);
}

/* Inputs are smaller than a pipe: see pipe(7). */
static void feed(int fd, const char *input)
{
	size_t len = strlen(input);

	while (len > 0) {
		ssize_t done = write(fd, input, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return;
		input += done;
		len -= (size_t)done;
	}
}

static void drain(int fd, char answer[ANSWER_MAX])
{
	size_t len = 0;

	while (len < ANSWER_MAX - 1) {
		ssize_t got = read(fd, answer + len, ANSWER_MAX - 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	answer[len] = '\0';
}

static int fail(struct err *err, const char *program, const char *action, int status, const char *answer)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_PROGRAM)
		return err_set(err, ERR_SYSTEM, ELIBACC, "cannot ask for credentials: %s, which docker-config.json names, is not on PATH",
			       program);
	return err_set(err, ERR_SYSTEM, EIO, "%s %s failed: %.*s", program, action, (int)strcspn(answer, "\r\n"),
		       *answer ? answer : "no reason given");
}

static int run(const char *name, const char *action, const char *input, char answer[ANSWER_MAX], struct err *err)
{
	cleanup_ptr char *program = NULL;
	int in[2] = {-1, -1}, out[2] = {-1, -1}, status = 0;
	pid_t child;

	if (asprintf(&program, PREFIX "%s", name) < 0) {
		program = NULL;
		return err_sys(err, ENOMEM, "cannot ask for credentials");
	}
	if (pipe2(in, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot start %s", program);
	if (pipe2(out, O_CLOEXEC) < 0) {
		int errnum = errno;

		(void)close(in[0]);
		(void)close(in[1]);
		return err_sys(err, errnum, "cannot start %s", program);
	}
	(void)signal(SIGPIPE, SIG_IGN); /* of a program that does not read what it is told */
	child = fork();
	if (child == 0)
		become(program, action, in[0], out[1]);
	(void)close(in[0]);
	(void)close(out[1]);
	if (child > 0)
		feed(in[1], input);
	(void)close(in[1]);
	answer[0] = '\0';
	if (child > 0)
		drain(out[0], answer);
	(void)close(out[0]);
	if (child < 0)
		return err_sys(err, EAGAIN, "cannot start %s", program);
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(err, errno, "cannot wait for %s", program);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return strstr(answer, NOT_FOUND) ? -ENOENT : fail(err, program, action, status, answer);
}

int credential_helper_parse(const char *text, struct credentials *out, struct err *err)
{
	struct credentials found = CREDENTIALS_INIT;
	json_t *root = json_loads(text, 0, NULL);
	const char *username = json_string_value(json_object_get(root, "Username"));
	const char *secret = json_string_value(json_object_get(root, "Secret"));
	int rc = 0;

	if (!secret || secret[strcspn(secret, "\r\n")] || (username && username[strcspn(username, "\r\n")]))
		rc = err_set(err, ERR_SYSTEM, EPROTO, "the credential helper's answer cannot be read");
	else if (username && strcmp(username, TOKEN_USER) == 0)
		found.identity_token = strdup(secret);
	else if ((found.username = strdup(username ? username : "")))
		found.password = strdup(secret);
	if (rc == 0 && !found.identity_token && !found.password)
		rc = err_sys(err, ENOMEM, "cannot read credentials");
	json_decref(root);
	if (rc < 0) {
		credentials_fini(&found);
		return rc;
	}
	*out = found;
	return 0;
}

int credential_helper_get(const char *name, const char *server, struct credentials *out, struct err *err)
{
	cleanup_ptr char *answer = malloc(ANSWER_MAX);
	int rc = answer ? run(name, "get", server, answer, err) : err_sys(err, ENOMEM, "cannot ask for credentials");

	if (rc < 0)
		return rc;
	rc = credential_helper_parse(answer, out, err);
	explicit_bzero(answer, ANSWER_MAX);
	return rc < 0 ? err_wrap(err, PREFIX "%s", name) : 0;
}

int credential_helper_store(const char *name, const char *server, const char *username, const char *password, struct err *err)
{
	json_t *entry = json_pack("{s:s, s:s, s:s}", "ServerURL", server, "Username", username, "Secret", password);
	cleanup_ptr char *input = entry ? json_dumps(entry, JSON_COMPACT) : NULL, *answer = malloc(ANSWER_MAX);
	int rc;

	json_decref(entry);
	if (!input || !answer)
		return err_sys(err, ENOMEM, "cannot keep credentials");
	rc = run(name, "store", input, answer, err);
	explicit_bzero(input, strlen(input));
	return rc;
}

int credential_helper_erase(const char *name, const char *server, struct err *err)
{
	cleanup_ptr char *answer = malloc(ANSWER_MAX);

	return answer ? run(name, "erase", server, answer, err) : err_sys(err, ENOMEM, "cannot forget credentials");
}

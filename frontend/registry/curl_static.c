/* SPDX-License-Identifier: BSD-3-Clause */
#include "frontend/registry/curl_calls.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo

int curl_calls_load(struct curl_calls *out, struct err *err)
{
	(void)err;
	*out = (struct curl_calls){.global_init = curl_global_init,
				   .easy_init = curl_easy_init,
				   .easy_setopt = curl_easy_setopt,
				   .easy_perform = curl_easy_perform,
				   .easy_getinfo = curl_easy_getinfo,
				   .easy_reset = curl_easy_reset,
				   .easy_cleanup = curl_easy_cleanup,
				   .easy_strerror = curl_easy_strerror,
				   .slist_append = curl_slist_append,
				   .slist_free_all = curl_slist_free_all};
	return 0;
}

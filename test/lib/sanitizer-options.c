/*
 * sanitizer-options.c
 *	  How the sanitizers of a PostgreSQL behave, whoever starts it.
 *
 * A finding aborts the process, which its parent and the tests notice.  Memory
 * that lives until the process ends is no finding.
 */
extern const char *__asan_default_options(void);
extern const char *__ubsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "abort_on_error=1:detect_leaks=0:detect_stack_use_after_return=0";
}

const char *
__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}

/*
 * settings.c
 *	  Options of indexes, and settings, as PostgreSQL takes them, for fuzzing.
 *
 * Where PostgreSQL has an array of texts, options are one text here:
 * name=value,name=value.
 */
#include "settings.h"

#include <limits.h>
#include <math.h>

#include "access/reloptions.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "am/common/options.h"

#undef vsnprintf

/* ---- numbers ---- */

bool
parse_int(const char *value, int *result, int flags, const char **hintmsg)
{
	char	   *end;
	double		number;

	errno = 0;
	number = strtol(value, &end, 0);
	if (*end == '.' || *end == 'e' || *end == 'E' || errno == ERANGE)
	{
		errno = 0;
		number = strtod(value, &end);
	}
	if (end == value || errno == ERANGE || isnan(number))
		return false;
	while (isspace((unsigned char) *end))
		end++;
	number = rint(number);
	if (*end != '\0' || number > INT_MAX || number < INT_MIN)
		return false;
	*result = (int) number;
	return true;
}

static bool
parse_double(const char *value, double *result)
{
	char	   *end;

	errno = 0;
	*result = strtod(value, &end);
	return end != value && *end == '\0' && errno != ERANGE && !isnan(*result);
}

/* ---- options ---- */

typedef struct Option
{
	bits32		kind;
	relopt_type type;
	const char *name;
	int			normal;
	int			min;
	int			max;
	const relopt_enum_elt_def *members;
	const char *text;
	validate_string_relopt validate;
} Option;

static Option options[16];
static int	noptions = 0;
static bits32 nkinds = 0;

relopt_kind
add_reloption_kind(void)
{
	return (relopt_kind) ++nkinds;
}

static Option *
add_option(bits32 kind, const char *name, relopt_type type)
{
	CHECK(noptions < lengthof(options));
	options[noptions].kind = kind;
	options[noptions].name = name;
	options[noptions].type = type;
	return &options[noptions++];
}

void
add_int_reloption(bits32 kinds, const char *name, const char *desc, int default_val, int min_val,
				  int max_val, LOCKMODE lockmode)
{
	Option	   *option = add_option(kinds, name, RELOPT_TYPE_INT);

	option->normal = default_val;
	option->min = min_val;
	option->max = max_val;
}

void
add_enum_reloption(bits32 kinds, const char *name, const char *desc,
				   relopt_enum_elt_def *members, int default_val, const char *detailmsg,
				   LOCKMODE lockmode)
{
	Option	   *option = add_option(kinds, name, RELOPT_TYPE_ENUM);

	option->normal = default_val;
	option->members = members;
}

void
add_string_reloption(bits32 kinds, const char *name, const char *desc, const char *default_val,
					 validate_string_relopt validator, LOCKMODE lockmode)
{
	Option	   *option = add_option(kinds, name, RELOPT_TYPE_STRING);

	option->text = default_val;
	option->validate = validator;
	if (validator != NULL)
		validator(default_val);
}

static void
bad_option(bool validate)
{
	if (validate)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid option")));
}

/* The value of an enum; false if it has none of that name. */
static bool
find_member(const relopt_enum_elt_def *members, const char *value, int *result)
{
	for (; members->string_val != NULL; members++)
		if (pg_strcasecmp(members->string_val, value) == 0)
		{
			*result = members->symbol_val;
			return true;
		}
	return false;
}

/* What an option's value is: a number, or text of its own. */
static void
parse_option(const Option *option, const char *value, bool validate, int *number,
			 const char **text)
{
	if (option->type == RELOPT_TYPE_STRING)
	{
		if (validate && option->validate != NULL)
			option->validate(value);
		*text = value;
	}
	else if (option->type == RELOPT_TYPE_ENUM ? !find_member(option->members, value, number) :
			 !parse_int(value, number, 0, NULL))
		bad_option(validate);
	else if (option->type == RELOPT_TYPE_INT &&
			 (*number < option->min || *number > option->max))
		bad_option(validate);
}

void *
build_reloptions(Datum reloptions, bool validate, relopt_kind kind, Size relopt_struct_size,
				 const relopt_parse_elt *relopt_elems, int num_relopt_elems)
{
	int			numbers[lengthof(options)];
	const char *texts[lengthof(options)];
	bool		given[lengthof(options)] = {false};
	char	   *result;
	Size		size = relopt_struct_size;

	for (int i = 0; i < noptions; i++)
	{
		numbers[i] = options[i].normal;
		texts[i] = options[i].text;
	}
	for (char *next = reloptions == 0 || *DatumGetCString(reloptions) == '\0' ? NULL :
		 pstrdup(DatumGetCString(reloptions)); next != NULL;)
	{
		char	   *name = strsep(&next, ",");
		char	   *value = strchr(name, '=');
		int			i = 0;

		if (value == NULL)
			value = name + strlen(name);
		else
			*value++ = '\0';
		while (i < noptions && (options[i].kind != (bits32) kind ||
								strcmp(options[i].name, name) != 0))
			i++;
		if (i == noptions || given[i])
		{
			bad_option(validate);
			continue;
		}
		given[i] = true;
		parse_option(&options[i], value, validate, &numbers[i], &texts[i]);
	}

	for (int i = 0; i < noptions; i++)
		if (options[i].kind == (bits32) kind && texts[i] != NULL)
			size += strlen(texts[i]) + 1;
	result = palloc0(size);
	SET_VARSIZE(result, size);
	size = relopt_struct_size;
	for (int i = 0; i < num_relopt_elems; i++)
		for (int j = 0; j < noptions; j++)
		{
			if (options[j].kind != (bits32) kind ||
				strcmp(options[j].name, relopt_elems[i].optname) != 0)
				continue;
			CHECK(options[j].type == relopt_elems[i].opttype);
			if (texts[j] != NULL)
			{
				strcpy(result + size, texts[j]);
				numbers[j] = size;
				size += strlen(texts[j]) + 1;
			}
			memcpy(result + relopt_elems[i].offset, &numbers[j], sizeof(int));
		}
	return result;
}

/* ---- settings ---- */

typedef struct Setting
{
	const char *name;
	int		   *integer;
	double	   *real;
	char	  **text;
	int			normal;
	double		normal_real;
	const char *normal_text;
	double		min;
	double		max;
	const struct config_enum_entry *members;
	GucRealCheckHook check_real;
	GucStringCheckHook check_text;
	GucStringAssignHook assign_text;
} Setting;

static Setting settings[32];
static int	nsettings = 0;

char	   *GUC_check_errmsg_string;
char	   *GUC_check_errdetail_string;

static Setting *
add_setting(const char *name)
{
	CHECK(nsettings < lengthof(settings));
	settings[nsettings].name = name;
	return &settings[nsettings++];
}

void
DefineCustomIntVariable(const char *name, const char *short_desc, const char *long_desc,
						int *valueAddr, int bootValue, int minValue, int maxValue,
						GucContext context, int flags, GucIntCheckHook check_hook,
						GucIntAssignHook assign_hook, GucShowHook show_hook)
{
	Setting    *setting = add_setting(name);

	CHECK(check_hook == NULL && assign_hook == NULL);
	setting->integer = valueAddr;
	setting->normal = bootValue;
	setting->min = minValue;
	setting->max = maxValue;
}

void
DefineCustomEnumVariable(const char *name, const char *short_desc, const char *long_desc,
						 int *valueAddr, int bootValue, const struct config_enum_entry *members,
						 GucContext context, int flags, GucEnumCheckHook check_hook,
						 GucEnumAssignHook assign_hook, GucShowHook show_hook)
{
	Setting    *setting = add_setting(name);

	CHECK(check_hook == NULL && assign_hook == NULL);
	setting->integer = valueAddr;
	setting->normal = bootValue;
	setting->members = members;
}

void
DefineCustomRealVariable(const char *name, const char *short_desc, const char *long_desc,
						 double *valueAddr, double bootValue, double minValue, double maxValue,
						 GucContext context, int flags, GucRealCheckHook check_hook,
						 GucRealAssignHook assign_hook, GucShowHook show_hook)
{
	Setting    *setting = add_setting(name);

	CHECK(assign_hook == NULL);
	setting->real = valueAddr;
	setting->normal_real = bootValue;
	setting->min = minValue;
	setting->max = maxValue;
	setting->check_real = check_hook;
}

void
DefineCustomStringVariable(const char *name, const char *short_desc, const char *long_desc,
						   char **valueAddr, const char *bootValue, GucContext context, int flags,
						   GucStringCheckHook check_hook, GucStringAssignHook assign_hook,
						   GucShowHook show_hook)
{
	Setting    *setting = add_setting(name);

	setting->text = valueAddr;
	setting->normal_text = bootValue;
	setting->check_text = check_hook;
	setting->assign_text = assign_hook;
}

void
MarkGUCPrefixReserved(const char *className)
{
}

const char *
GetConfigOption(const char *name, bool missing_ok, bool restrict_privileged)
{
	return NULL;
}

int
GetConfigOptionFlags(const char *name, bool missing_ok)
{
	return 0;
}

void
pre_format_elog_string(int errnumber, const char *domain)
{
}

char *
format_elog_string(const char *fmt,...)
{
	static char text[1024];
	va_list		args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return text;
}

static bool
set_integer(Setting *setting, const char *value)
{
	int			number;

	if (setting->members != NULL)
	{
		for (const struct config_enum_entry *m = setting->members; m->name != NULL; m++)
			if (pg_strcasecmp(m->name, value) == 0)
			{
				*setting->integer = m->val;
				return true;
			}
		return false;
	}
	if (!parse_int(value, &number, 0, NULL) || number < setting->min || number > setting->max)
		return false;
	*setting->integer = number;
	return true;
}

static bool
set_real(Setting *setting, const char *value)
{
	double		number;
	void	   *extra = NULL;

	if (!parse_double(value, &number) || number < setting->min || number > setting->max ||
		(setting->check_real != NULL && !setting->check_real(&number, &extra, PGC_S_SESSION)))
		return false;
	*setting->real = number;
	return true;
}

static bool
set_text(Setting *setting, const char *value)
{
	char	   *copy = pstrdup(value);
	void	   *extra = NULL;

	if (setting->check_text != NULL && !setting->check_text(&copy, &extra, PGC_S_SESSION))
		return false;
	*setting->text = copy;
	if (setting->assign_text != NULL)
		setting->assign_text(copy, extra);
	return true;
}

bool
fuzz_set(const char *name, const char *value)
{
	for (int i = 0; i < nsettings; i++)
		if (strcmp(settings[i].name, name) == 0)
			return settings[i].real != NULL ? set_real(&settings[i], value) :
				settings[i].text != NULL ? set_text(&settings[i], value) :
				set_integer(&settings[i], value);
	return false;
}

void
fuzz_reset_all(void)
{
	for (int i = 0; i < nsettings; i++)
	{
		if (settings[i].real != NULL)
			*settings[i].real = settings[i].normal_real;
		else if (settings[i].text != NULL)
			CHECK(set_text(&settings[i], settings[i].normal_text));
		else
			*settings[i].integer = settings[i].normal;
	}
}

void
fuzz_settings_create(void)
{
	vdb_am_init();
	fuzz_reset_all();
}

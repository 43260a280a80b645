# shellcheck shell=bash
# What `make demo` and `make test` share: install what is missing on a fresh
# Debian, choose a PostgreSQL, build, and run throw-away clusters.  Source it
# from bash; nothing happens until a function is called.
#
# It sets VDB_TREE, the root of this source tree, and reads
#   PG_CONFIG     the PostgreSQL to use (default: Debian's newest)
#   VECDB_PG      or the one to build and use: 15-assert, 18-sanitized, ...
#   VECDB_CACHE   what is worth keeping between runs: downloads, chroots
#   VECDB_USER    when root runs this, the user that runs PostgreSQL, which
#                 refuses to be run by root (default: postgres)

VDB_TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
VECDB_USER=${VECDB_USER:-postgres}
# A normal user's PATH may lack the folders of runuser and debootstrap.
PATH=$PATH:/usr/sbin:/sbin
# Called from make: its options are not for the makes run here.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

# vdb_say TEXT...: tell the user what is going on.
vdb_say() {
    printf '%s\n' "$*" >&2
}

# vdb_die TEXT...: say why this cannot go on, and exit.
vdb_die() {
    printf 'vecdb: %s\n' "$*" >&2
    exit 1
}

# vdb_can_root: true when vdb_root can work.
vdb_can_root() {
    [[ $(id -u) -eq 0 ]] || command -v sudo >/dev/null
}

if [[ -z ${VECDB_CACHE:-} ]]; then
    if vdb_can_root; then
        VECDB_CACHE=/var/cache/vecdb
    else
        VECDB_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/vecdb
    fi
fi

# vdb_root CMD...: run a command as root, directly or through sudo.
vdb_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        vdb_die "this needs root, and there is no sudo: $*"
    fi
}

# vdb_as USER CMD...: run a command as USER, in / (the caller's folder may be
# closed to that user), so that paths in CMD have to be absolute.
vdb_as() {
    local user=$1
    shift
    if [[ $(id -un) == "$user" ]]; then
        (cd / && "$@")
    else
        (cd / && vdb_root runuser -u "$user" -- "$@")
    fi
}

# vdb_user_name: who vdb_user is.
vdb_user_name() {
    if [[ $(id -u) -ne 0 ]]; then
        id -un
    elif id "$VECDB_USER" >/dev/null 2>&1; then
        printf '%s\n' "$VECDB_USER"
    else
        vdb_die "there is no user '$VECDB_USER' to run PostgreSQL as; set VECDB_USER"
    fi
}

# vdb_user CMD...: run a command as an unprivileged user: oneself, or when
# root runs this, VECDB_USER.  It runs in /: absolute paths only.
vdb_user() {
    local user
    user=$(vdb_user_name)
    vdb_as "$user" "$@"
}

# vdb_user_dir DIR: make DIR if need be, and make it the user's own.
vdb_user_dir() {
    local user
    user=$(vdb_user_name)
    mkdir -p "$1"
    [[ $(id -un) == "$user" ]] || chown "$user" "$1"
}

# vdb_show LOG: show the end of a log, if there is one, indented; before it
# what failed in it, if it is TAP whose end does not show that.
vdb_show() {
    [[ -f $1 ]] || return 0
    {
        head -n -40 "$1" | grep -m 10 -A 6 '^not ok' || true
        tail -n 40 "$1"
    } | sed 's/^/    /'
}

# vdb_logged LOG CMD...: run a command quietly; when it fails, show the end
# of what it said.
vdb_logged() {
    local log=$1
    shift
    if ! "$@" >"$log" 2>&1 </dev/null; then
        vdb_say "failed: $*"
        tail -n 25 "$log" >&2
        return 1
    fi
}

# vdb_unless_skipped NAME...: print the tests that VECDB_SKIP does not name.
vdb_unless_skipped() {
    local name
    for name in "$@"; do
        [[ " ${VECDB_SKIP:-} " == *" $name "* ]] || printf '%s\n' "$name"
    done
}

# vdb_copy_tree DIR: copy the files of this tree that git tracks or would
# track, as they are now, to DIR.  Without git, all but build products.
vdb_copy_tree() {
    (
        cd "$VDB_TREE" || exit
        if [[ -e .git ]]; then
            # The tree may belong to somebody else, a normal user say.
            git -c safe.directory="$VDB_TREE" ls-files -z --cached --others \
                --exclude-standard
        else
            find . -path ./build -prune -o ! -type d ! -name '*.o' \
                ! -name '*.so' -printf '%P\0'
        fi | while IFS= read -r -d '' file; do
            # What is deleted but not committed is still tracked.
            [[ ! -e $file ]] || printf '%s\0' "$file"
        done | tar --null --no-recursion -T - -cf -
    ) | tar -C "$1" --no-same-owner -xf -
}

# vdb_apt ARG...: apt-get without questions; only one at a time, because
# apt-get itself does not wait for another one's update.
vdb_apt() {
    vdb_root flock /run/vecdb-apt.lock env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@"
}

# vdb_need_packages PKG...: install the Debian packages that are missing.
vdb_need_packages() {
    local pkg log missing=()
    for pkg in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$pkg" 2>/dev/null |
            grep -x installed >/dev/null || missing+=("$pkg")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    vdb_can_root ||
        vdb_die "these packages are missing, and there is neither root nor sudo to install them: ${missing[*]}"
    vdb_say "installing ${missing[*]}"
    log=$(mktemp)
    vdb_logged "$log" vdb_apt update ||
        vdb_say "(the package lists may be old; going on)"
    vdb_logged "$log" vdb_apt install -y --no-install-recommends \
        "${missing[@]}" || exit 1
    rm -f "$log"
}

# vdb_debian_uri [-security]: print where this machine gets Debian from, or its
# security updates.
vdb_debian_uri() {
    local uri uris
    uris=$(sed -n -E -e 's/^URIs: *([^ ]+).*/\1/p' \
        -e 's/^deb (\[[^]]*\] )?([^ ]+).*/\2/p' \
        /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true)
    if [[ -n ${1:-} ]]; then
        uri=$(grep -m 1 security <<<"$uris" || true)
    else
        uri=$(grep -m 1 -v security <<<"$uris" || true)
    fi
    printf '%s\n' "${uri:-http://deb.debian.org/debian${1:-}}"
}

# vdb_own_cache: print a folder to keep things in: VECDB_CACHE or, for a normal
# user who may not write there, a cache of the user's own.
vdb_own_cache() {
    local cache=$VECDB_CACHE
    mkdir -p "$cache" 2>/dev/null && [[ -w $cache ]] ||
        cache=${XDG_CACHE_HOME:-$HOME/.cache}/vecdb
    printf '%s\n' "$cache"
}

# vdb_need_python FILE: print the path of a Python that has the packages of
# FILE, a requirements.txt which names every one of them.  It is a virtual
# environment in vdb_own_cache, made when there is none for this FILE and this
# Python yet.
vdb_need_python() {
    local dir sum
    sum=$({ /usr/bin/python3 --version && cat "$1"; } | sha256sum)
    dir=$(vdb_own_cache)/python-${sum:0:12}
    (
        # Whoever runs PostgreSQL runs this Python.
        umask 022
        mkdir -p "${dir%/*}"
        flock 9
        if [[ ! -e $dir/complete ]]; then
            vdb_say "installing the Python packages of ${1#"$VDB_TREE/"} (once)"
            rm -rf "$dir"
            # Debian's Python: another one may be closed to the user.  And no
            # package may run code of its own to install itself.
            vdb_logged "$dir.log" /usr/bin/python3 -m venv "$dir" &&
                vdb_logged "$dir.log" "$dir/bin/python" -m pip install \
                    --disable-pip-version-check --retries 2 --no-deps \
                    --only-binary :all: --requirement "$1" &&
                touch "$dir/complete"
        fi
    ) 9>>"$dir.lock" && [[ -e $dir/complete ]] && printf '%s\n' "$dir/bin/python"
}

# vdb_is_whole_pg PG_CONFIG: true when it is of a PostgreSQL with the server
# and all that builds extensions.  (Debian's server package has pgxs, but not
# the headers that it needs.)
vdb_is_whole_pg() {
    [[ -x $1 && -x $("$1" --bindir)/postgres && -f $("$1" --pgxs) &&
        -f $("$1" --includedir-server)/postgres.h ]]
}

# vdb_find_pg: print the newest Debian pg_config whose PostgreSQL has both
# the server and the files to build extensions; nothing if there is none.
vdb_find_pg() {
    local conf
    for conf in $(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config |
        sort -rV); do
        if vdb_is_whole_pg "$conf"; then
            printf '%s\n' "$conf"
            return
        fi
    done
}

# Whatever changes how test/lib/make-pg builds needs another number here.
vdb_pg_recipe=3

# vdb_made_pg NAME: print the pg_config of a PostgreSQL that checks itself,
# NAME being its version and kind, 15-assert or 18-sanitized say.  It is in
# vdb_own_cache, built when it is not there yet.
vdb_made_pg() {
    local dir
    [[ $1 =~ ^(15|17|18)-(assert|sanitized)$ ]] ||
        vdb_die "VECDB_PG: no '$1'; there are 15, 17 and 18, -assert and -sanitized"
    dir=$(vdb_own_cache)/pg-$1-v$vdb_pg_recipe
    (
        # Another user than the one who builds it runs it.
        umask 022
        mkdir -p "${dir%/*}"
        flock 9
        if [[ ! -e $dir/complete ]]; then
            vdb_need_packages gcc libc6-dev make bison flex perl libipc-run-perl \
                libicu-dev pkg-config bzip2 debian-archive-keyring
            vdb_say "building PostgreSQL $1 (once, some minutes)"
            vdb_logged "$dir.log" nice "$VDB_TREE/test/lib/make-pg" \
                "${1%-*}" "${1#*-}" "$dir"
        fi
    ) 9>>"$dir.lock" && [[ -e $dir/complete ]] && printf '%s\n' "$dir/bin/pg_config"
}

# vdb_need_pg: choose the PostgreSQL, installing Debian's if there is none,
# and whatever a build needs.  Sets and exports PG_CONFIG; sets VDB_BIN, the
# folder of initdb, postgres and psql, and VDB_PG_VERSION, 15 say.
vdb_need_pg() {
    local newest
    vdb_need_packages gcc libc6-dev make
    if [[ -n ${VECDB_PG:-} ]]; then
        PG_CONFIG=$(vdb_made_pg "$VECDB_PG") || vdb_die "PostgreSQL $VECDB_PG is missing"
    elif [[ -z ${PG_CONFIG:-} ]]; then
        PG_CONFIG=$(vdb_find_pg)
        if [[ -z $PG_CONFIG ]]; then
            vdb_need_packages postgresql
            newest=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres |
                sort -V | tail -n 1)
            newest=${newest#/usr/lib/postgresql/}
            vdb_need_packages "postgresql-server-dev-${newest%%/*}"
            PG_CONFIG=$(vdb_find_pg)
        fi
    fi
    PG_CONFIG=$(command -v "$PG_CONFIG") ||
        vdb_die "PG_CONFIG is not a program"
    export PG_CONFIG
    VDB_BIN=$("$PG_CONFIG" --bindir)
    vdb_is_whole_pg "$PG_CONFIG" ||
        vdb_die "$PG_CONFIG: the server or the files to build extensions (pgxs, headers) are not installed"
    # shellcheck disable=SC2034
    VDB_PG_VERSION=$("$PG_CONFIG" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
}

# vdb_pg_bin: print the folder of initdb, postgres and psql.
vdb_pg_bin() {
    [[ -n ${VDB_BIN:-} ]] || vdb_need_pg
    printf '%s\n' "$VDB_BIN"
}

# vdb_copy_pg DIR: copy the PostgreSQL of vdb_need_pg to DIR, where it finds
# its own files (the paths below DIR are what they were below /), without any
# vecdb: to install into, and leave the installed one alone.
vdb_copy_pg() {
    local parts
    parts=("$VDB_BIN" "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)")
    tar -C / -cf - "${parts[@]#/}" | tar -C "$1" --no-same-owner -xf -
    rm -f "$1$("$PG_CONFIG" --sharedir)"/extension/vecdb*
}

# vdb_build [WERROR]: build the tree and install it into the PostgreSQL of
# vdb_need_pg; WERROR is -Werror or nothing.  What is built belongs to the
# owner of the tree, even when root builds.
vdb_build() {
    local owner log built now jobs
    [[ -n ${VDB_BIN:-} ]] || vdb_need_pg
    owner=$(stat -c %U "$VDB_TREE")
    [[ $(id -u) -eq 0 ]] || owner=$(id -un)
    built=$VDB_TREE/build/built-for
    now="$("$PG_CONFIG" --version) $PG_CONFIG ${1:-}"
    log=$(mktemp)
    jobs=$(nproc)
    # Objects made for another PostgreSQL look up to date to make.
    if [[ $(cat "$built" 2>/dev/null) != "$now" ]]; then
        vdb_logged "$log" vdb_as "$owner" make -C "$VDB_TREE" \
            PG_CONFIG="$PG_CONFIG" clean || exit 1
    fi
    vdb_logged "$log" vdb_as "$owner" make -C "$VDB_TREE" -j "$jobs" \
        PG_CONFIG="$PG_CONFIG" WERROR="${1:-}" || exit 1
    vdb_as "$owner" mkdir -p "$VDB_TREE/build"
    printf '%s\n' "$now" | vdb_as "$owner" tee "$built" >/dev/null
    vdb_logged "$log" vdb_root make -C "$VDB_TREE" \
        PG_CONFIG="$PG_CONFIG" WERROR="${1:-}" install || exit 1
    rm -f "$log"
}

# vdb_cluster_start DIR PORT [CONF...]: make (or, if DIR holds one already,
# start again) a cluster of our own in DIR, and wait until it answers.  It
# listens on a unix socket in DIR only (psql -h DIR -p PORT -U postgres),
# which nobody but vdb_user and root can reach and which asks for no
# password, and logs to DIR/log.  Each CONF is a line of postgresql.conf,
# "shared_buffers = 1GB" say; TEMP_CONFIG names a file with more of them, as it
# does for PostgreSQL's own tests.  DIR is an absolute path below folders that
# vdb_user may enter, and short, because a socket's name must be.
vdb_cluster_start() {
    local dir=$1 port=$2 line
    shift 2
    [[ -n ${VDB_BIN:-} ]] || vdb_need_pg
    [[ ${#dir} -le 85 ]] ||
        vdb_die "$dir: too long for a unix socket's folder"
    vdb_user_dir "$dir"
    chmod 700 "$dir"
    if [[ -z $(vdb_user ls -A "$dir/data" 2>/dev/null) ]]; then
        vdb_user "$VDB_BIN/initdb" --pgdata="$dir/data" --username=postgres \
            --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync \
            >"$dir/initdb.log" 2>&1 </dev/null || {
            cat "$dir/initdb.log" >&2
            vdb_die "could not make a cluster in $dir"
        }
        printf "include = '%s'\n" "$dir/vecdb.conf" |
            vdb_user tee -a "$dir/data/postgresql.conf" >/dev/null
    fi
    {
        printf '%s\n' "port = $port" "listen_addresses = ''" \
            "unix_socket_directories = '$dir'"
        [[ -z ${TEMP_CONFIG:-} ]] || cat "$TEMP_CONFIG"
        for line in "$@"; do
            printf '%s\n' "$line"
        done
    } | vdb_user tee "$dir/vecdb.conf" >/dev/null
    if ! vdb_user "$VDB_BIN/pg_ctl" --pgdata="$dir/data" --wait --silent \
        --timeout=300 --log="$dir/log" start >/dev/null 2>&1 </dev/null; then
        tail -n 25 "$dir/log" >&2
        vdb_die "the cluster in $dir did not start"
    fi
}

# vdb_cluster_stop DIR: stop the cluster in DIR at once, if it runs.  Its
# files stay.
vdb_cluster_stop() {
    if vdb_user test -f "$1/data/postmaster.pid"; then
        vdb_user "$(vdb_pg_bin)/pg_ctl" --pgdata="$1/data" --wait --silent \
            --mode=immediate stop >/dev/null 2>&1 </dev/null || true
    fi
}

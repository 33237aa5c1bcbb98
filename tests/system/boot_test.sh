#!/usr/bin/env bash
# The Debian package in a booted Debian: installs it, starts it, listens to it from outside, kills it,
# reloads it, looks at what it can write, removes it. Prints a line for every check; exit code 0
# where all hold. Needs root, debootstrap and systemd-container, and ports 8790 and 8791.
#
#   tests/system/boot_test.sh --release bookworm|trixie --deb FILE [--cache FOLDER] [--keep]
#
# There is no sound card in a container. The microphone of the system service is a PulseAudio null
# sink that /etc/asound.conf names ALSA's default device; the unit is as it is shipped.
# shellcheck disable=SC2317 # the checks are called by their names
set -euo pipefail

source_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly clip=$source_root/tests/data/clips/demo.flac
readonly packages=systemd-sysv,dbus,dbus-user-session,libpam-systemd,procps,pulseaudio,pulseaudio-utils,libasound2-plugins

release='' deb='' cache=${XDG_CACHE_HOME:-$HOME/.cache}/emotiond-boot-test keep=no
work='' nspawn='' leader=''
failed=0 passed=0

main() {
    parse_arguments "$@"
    work=$(mktemp -d)
    trap clean_up EXIT
    make_machine
    boot
    for check in installs_without_starting starts_and_is_ready events_arrive_outside \
        reload_keeps_the_subscriber writes_nothing_without_history can_write_to_its_state_alone \
        exposure_is_low sound_thread_goes_first journal_has_fields history_holds_no_sound \
        upgrade_restarts_it recovers_from_kill watchdog_ends_one_that_stands_still socket_starts_it user_unit_hears_its_session \
        removal_leaves_nothing_running purge_leaves_no_files; do
        run_check "$check"
    done
    echo "$release: $passed checks hold, $failed fail"
    ((failed == 0))
}

parse_arguments() {
    while (($# > 0)); do
        case $1 in
            --release) release=$2 && shift 2 ;;
            --deb) deb=$(realpath "$2") && shift 2 ;;
            --cache) cache=$(realpath -m "$2") && shift 2 ;;
            --keep) keep=yes && shift ;;
            *) die "no such argument: $1" ;;
        esac
    done
    [[ $release == bookworm || $release == trixie ]] || die "--release bookworm or trixie"
    [[ -r $deb ]] || die "--deb FILE"
    ((EUID == 0)) || die "this needs root"
    local tool
    for tool in debootstrap systemd-nspawn nsenter jq nc; do
        command -v $tool >/dev/null || die "no $tool here"
    done
    local port
    for port in 8790 8791; do
        if nc -z 127.0.0.1 $port; then
            die "port $port is taken"
        fi
    done
}

# --- the container ---

make_machine() {
    if [[ ! -e $cache/$release/complete ]]; then
        say "making $cache/$release"
        mkdir -p "$cache"
        rm -rf "${cache:?}/$release"
        debootstrap --include="$packages" "$release" "$cache/$release" >"$work/debootstrap.log"
        touch "$cache/$release/complete"
    fi
    cp -a --reflink=auto "$cache/$release" "$work/machine"
    cp "$deb" "$work/machine/opt/emotiond.deb"
    cp "$clip" "$work/machine/opt/demo.flac"
    cat >"$work/machine/etc/asound.conf" <<'END'
pcm.!default { type pulse server "unix:/run/virtual-microphone/native" device "mic.monitor" }
END
    cat >"$work/machine/etc/systemd/system/virtual-microphone.service" <<'END'
[Service]
User=pulse
RuntimeDirectory=virtual-microphone
Environment=HOME=/run/virtual-microphone
ExecStart=/usr/bin/pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no --disable-shm=yes \
    -L "module-native-protocol-unix auth-anonymous=1 socket=/run/virtual-microphone/native" \
    -L "module-null-sink sink_name=mic rate=48000 channels=1"
END
}

boot() {
    # cgroup v2, as Debian has it, also where this machine has v1.
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --register=no --keep-unit --directory="$work/machine" --boot \
        </dev/null >"$work/console.log" 2>&1 &
    nspawn=$!
    wait_until 60 leader_is_there
    wait_until 120 is_booted
    inside systemctl start virtual-microphone
    wait_until 20 inside pactl --server unix:/run/virtual-microphone/native info
    say "booted: $(inside cat /etc/debian_version), $(inside systemctl --version | head -n 1)"
}

leader_is_there() {
    leader=$(pgrep --parent "$nspawn" | head -n 1)
    [[ -n $leader ]]
}

is_booted() {
    [[ $(inside systemctl is-system-running) == @(running|degraded) ]]
}

inside() {
    nsenter --target "$leader" --mount --uts --ipc --pid --cgroup --root --wd -- \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

clean_up() {
    unsubscribe
    if [[ -n $leader ]]; then
        kill -s RTMIN+4 "$leader" 2>/dev/null || true # systemd powers off
        for _ in {1..30}; do
            kill -0 "$nspawn" 2>/dev/null || break
            sleep 1
        done
    fi
    [[ -z $nspawn ]] || kill -s KILL "$nspawn" 2>/dev/null || true
    if [[ $keep == yes ]]; then
        say "kept: $work"
    else
        rm -rf "$work"
    fi
}

# --- the checks ---

installs_without_starting() {
    inside apt-get update
    inside apt-get install --yes --no-install-recommends /opt/emotiond.deb
    [[ $(inside systemctl is-enabled emotiond) == enabled ]]
    [[ $(inside systemctl is-active emotiond) == inactive ]]
    tell "$(inside dpkg-query --show emotiond)"
}

starts_and_is_ready() {
    inside systemctl start emotiond
    [[ $(inside systemctl is-active emotiond) == active ]]
    wait_until 20 status_is '1 of 1 stream live'
    tell "$(property StatusText)"
}

events_arrive_outside() {
    subscribe
    play
    wait_until 20 has_events_beyond 0
    tell "$(jq -rs 'map(select(.type == "emotion"))[0] | "\(.stream) \(.start_ms)-\(.end_ms) ms: \(.label) \(.confidence)"' "$work/events")"
}

# The same connection goes on, the same process serves it.
reload_keeps_the_subscriber() {
    local before pid
    pid=$(property MainPID)
    before=$(last_seq)
    inside systemctl reload emotiond
    [[ $(inside systemctl is-active emotiond) == active ]]
    [[ $(property MainPID) == "$pid" ]]
    inside journalctl --unit emotiond --grep SIGHUP --quiet --output cat | grep .
    play
    wait_until 20 has_events_beyond "$before"
    kill -0 "$(cat "$work/subscriber")"
    tell "seq $before before, $(last_seq) after, on one connection"
}

# Sound goes through it, and the kernel is not asked to write a byte for it.
writes_nothing_without_history() {
    local pid before after
    pid=$(outer "$(property MainPID)")
    before=$(awk '$1 == "write_bytes:" { print $2 }' "/proc/$pid/io")
    play
    after=$(awk '$1 == "write_bytes:" { print $2 }' "/proc/$pid/io")
    tell "bytes written while 10 s of sound were heard: $((after - before))"
    ((after == before))
    [[ -z $(inside find /var/lib/emotiond -mindepth 1) ]]
}

# Everything that its user can write to, as its process sees the files.
can_write_to_its_state_alone() {
    local pid on_disk='' path type
    pid=$(property MainPID)
    while read -r path; do
        type=$(as_service "$pid" stat --file-system --format %T "$path")
        case $type in
            tmpfs | mqueue | devtmpfs | devpts) ;; # memory
            *) on_disk+="$path ($type) " ;;
        esac
    done < <(as_service "$pid" find / -path /proc -prune -o -path /sys -prune -o -type d -writable -print 2>/dev/null)
    tell "directories on disks: $on_disk"
    [[ $on_disk == '/var/lib/emotiond ('*') ' ]]
    tell "swap: $(property MemorySwapMax), core: $(property LimitCORE), dump filter: $(cat "/proc/$(outer "$pid")/coredump_filter")"
    [[ $(property MemorySwapMax) == 0 && $(property LimitCORE) == 0 ]]
}

exposure_is_low() {
    local line
    line=$(inside systemd-analyze security emotiond.service --no-pager | tail -n 1)
    tell "$line"
    grep -qE ' [01]\.[0-9] ' <<<"$line"
}

sound_thread_goes_first() {
    local pid
    pid=$(outer "$(property MainPID)")
    local classes
    classes=$(ps -L -o cls= -p "$pid" | sort | uniq -c | tr -s ' \n' ' ')
    tell "threads by class: $classes"
    if grep -q 'Max realtime priority *0 ' "/proc/$pid/limits"; then
        tell "NOT TESTED: this machine lets nobody raise LimitRTPRIO"
        return
    fi
    [[ $classes == *FF* ]]
}

journal_has_fields() {
    tell "$(inside journalctl --unit emotiond STREAM=mic PRIORITY=6 --output cat --quiet | head -n 1)"
    inside journalctl --unit emotiond STREAM=mic PRIORITY=6 --output cat --quiet | grep -q '^stream mic'
}

history_holds_no_sound() {
    local bytes seconds=30
    inside sed -i 's|^#path = ""|path = "/var/lib/emotiond/history.db"|' /etc/emotiond/emotiond.toml
    inside systemctl restart emotiond
    inside timeout "$seconds" paplay --server unix:/run/virtual-microphone/native -d mic /opt/demo.flac || true
    inside systemctl stop emotiond
    tell "$(inside find /var/lib/emotiond -type f -printf '%f %s bytes; ')"
    [[ -z $(inside find /var/lib/emotiond -type f ! -name 'history.db*') ]]
    [[ $(inside head -c 15 /var/lib/emotiond/history.db) == 'SQLite format 3' ]]
    # A tenth of what the sound would take at 16 kHz and 16 bits.
    bytes=$(inside find /var/lib/emotiond -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
    ((bytes < seconds * 32000 / 10))
    inside sed -i 's|^path = .*|#path = ""|' /etc/emotiond/emotiond.toml
    inside systemctl start emotiond
}

# The same package again is an upgrade too: the new program runs, and only where the old one did.
upgrade_restarts_it() {
    local before
    before=$(property MainPID)
    inside dpkg --install /opt/emotiond.deb
    wait_until 30 unit_is active
    [[ $(property MainPID) != "$before" ]]
    inside systemctl stop emotiond
    inside dpkg --install /opt/emotiond.deb
    unit_is inactive
    inside systemctl start emotiond
}

recovers_from_kill() {
    local started=$SECONDS
    inside systemctl kill --signal KILL emotiond
    wait_until 60 has_restarted 1
    subscribe
    play
    wait_until 20 has_events_beyond 0
    tell "$(property NRestarts) restart, events again after $((SECONDS - started)) s, of which the clip took 10"
}

# A process that is stopped sends no pings.
watchdog_ends_one_that_stands_still() {
    local started=$SECONDS
    inside systemctl kill --signal STOP emotiond
    wait_until 120 has_restarted 2
    tell "$(inside journalctl --unit emotiond --grep 'atchdog timeout' --output cat --quiet | tail -n 1) (after $((SECONDS - started)) s)"
    inside journalctl --unit emotiond --grep 'atchdog timeout' --quiet | grep -q .
}

socket_starts_it() {
    inside systemctl stop emotiond
    inside systemctl start emotiond-tcp.socket emotiond-http.socket
    [[ $(inside systemctl is-active emotiond) == inactive ]]
    subscribe
    wait_until 60 unit_is active
    [[ $(head -n 1 "$work/events" | jq -r .type) == hello ]]
    inside systemctl stop emotiond-tcp.socket emotiond-http.socket emotiond
}

# A desktop's session: its own PulseAudio, ALSA's default device as Debian has it.
user_unit_hears_its_session() {
    inside mv /etc/asound.conf /etc/asound.conf.system
    inside useradd --create-home --shell /bin/bash desk
    inside loginctl enable-linger desk
    wait_until 30 as_desk systemctl --user is-system-running --quiet
    as_desk systemctl --user start pulseaudio.socket
    as_desk pactl load-module module-null-sink sink_name=mic
    as_desk pactl set-default-source mic.monitor
    as_desk systemctl --user start emotiond
    subscribe
    as_desk timeout 12 paplay -d mic /opt/demo.flac || true
    wait_until 20 has_events_beyond 0
    tell "$(as_desk systemctl --user show --property StatusText emotiond)"
}

removal_leaves_nothing_running() {
    inside systemctl start emotiond-tcp.socket || true
    pgrep --ns "$leader" --nslist pid --exact emotiond >/dev/null # the user's
    inside apt-get remove --yes emotiond
    wait_until 20 nothing_runs
    [[ $(inside systemctl show --property ActiveState --value emotiond) == inactive ]]
    [[ -e $work/machine/etc/emotiond/emotiond.toml ]] # a purge takes that
}

purge_leaves_no_files() {
    inside apt-get purge --yes emotiond
    local left
    left=$(inside find / -xdev -name '*emotiond*' ! -path '/proc/*' ! -path /opt/emotiond.deb)
    tell "left: ${left:-nothing}"
    [[ -z $left ]]
}

# --- what they are made of ---

subscribe() {
    unsubscribe
    : >"$work/events"
    nc -d 127.0.0.1 8791 >"$work/events" &
    echo $! >"$work/subscriber"
    wait_until 60 test -s "$work/events" # a busy machine loads the model for long
}

unsubscribe() {
    [[ ! -e $work/subscriber ]] || kill "$(cat "$work/subscriber")" 2>/dev/null || true
}

# Ten seconds of speech.
play() {
    inside timeout 10 paplay --server unix:/run/virtual-microphone/native -d mic /opt/demo.flac || true
}

last_seq() {
    jq -s 'map(select(.type == "emotion").seq) | max // 0' <(head -n -1 "$work/events")
}

has_events_beyond() {
    (($(last_seq) > $1))
}

has_restarted() {
    (($(property NRestarts) >= $1)) && unit_is active
}

unit_is() {
    [[ $(inside systemctl is-active emotiond) == "$1" ]]
}

status_is() {
    [[ $(property StatusText) == "$1" ]]
}

nothing_runs() {
    ! pgrep --ns "$leader" --nslist pid --exact emotiond >/dev/null
}

property() {
    inside systemctl show --property "$1" --value emotiond
}

# outer PID: what the container's process is called out here
outer() {
    awk -v inner="$1" '$1 == "NSpid:" && $NF == inner { split(FILENAME, path, "/"); print path[3] }' \
        /proc/[0-9]*/status 2>/dev/null | while read -r pid; do
        if [[ $(cat "/proc/$pid/comm") == emotiond ]]; then
            echo "$pid"
        fi
    done
}

# as_service PID COMMAND...: in its mounts, as its user with its groups
as_service() {
    local pid
    pid=$(outer "$1")
    shift
    local uid gid groups
    uid=$(awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status")
    gid=$(awk '$1 == "Gid:" { print $2 }' "/proc/$pid/status")
    groups=$(awk '$1 == "Groups:" { $1 = ""; print }' "/proc/$pid/status" | xargs | tr ' ' ,)
    nsenter --target "$pid" --mount --root --wd -- \
        setpriv --reuid "$uid" --regid "$gid" --groups "$groups" "$@"
}

as_desk() {
    local uid
    uid=$(inside id --user desk)
    inside setpriv --reuid desk --regid desk --init-groups \
        env HOME=/home/desk XDG_RUNTIME_DIR="/run/user/$uid" \
        DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$uid/bus" "$@"
}

# wait_until SECONDS COMMAND...
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || return 1
        sleep 0.5
    done
}

# Runs with errexit of its own, which it would not have as a condition.
run_check() {
    local status=0
    : >"$work/told"
    set +e
    (
        set -e
        "$1"
    ) >"$work/$1.log" 2>&1
    status=$?
    set -e
    if ((status == 0)); then
        passed=$((passed + 1))
        echo "ok    ${1//_/ }"
    else
        failed=$((failed + 1))
        echo "FAIL  ${1//_/ }"
        tail -n 20 "$work/$1.log" | sed 's/^/      | /'
    fi
    sed 's/^/      /' "$work/told"
}

# Shown beneath the check.
tell() {
    echo "$*" >>"$work/told"
}

say() {
    echo "boot_test: $*" >&2
}

die() {
    say "$*"
    exit 64
}

main "$@"
exit # so that editing this file while it runs does no harm

# Completion of emotiond for bash. A test holds it against --help.

_emotiond() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local training='--data --test-data --noise --rooms --out --cache --network --recipe --labels --epochs
        --batch --learning-rate --patience --variants --bf16 --device --threads'
    local -A options=(
        [run]='--config --source --speed --loop --print --log-level'
        [devices]='--json'
        [classify]='--config --json'
        [replay]='--config --rules --json'
        [check-config]='--config'
        [audit]=''
        [bundle]='--torchscript --spec --out --show --json'
        [features]='--spec --network --format --out --print-spec'
        [train]="$training --seed --test-speakers --bundle --name --teachers --figures"
        [train-voice]='--bundle --data --noise --music --rooms --out --test-speakers --seed --threads'
        [evaluate]="$training --protocols --seeds --rounds --teachers"
        [token]='--streams --actions'
        [watch]='--streams --token --ca --json --lines --seconds'
    )
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "${!options[*]} --help --version" -- "$current")
        return
    fi
    case $previous in
        audit) mapfile -t COMPREPLY < <(compgen -W 'verify show --help' -- "$current") ;;
        --speed) mapfile -t COMPREPLY < <(compgen -W 'realtime max' -- "$current") ;;
        --print) mapfile -t COMPREPLY < <(compgen -W 'auto none text json' -- "$current") ;;
        --log-level) mapfile -t COMPREPLY < <(compgen -W 'trace debug info warn error off' -- "$current") ;;
        --network) mapfile -t COMPREPLY < <(compgen -W 'lstm cnn cnn-lstm dnn crnn' -- "$current") ;;
        --format) mapfile -t COMPREPLY < <(compgen -W 'csv npy' -- "$current") ;;
        *)
            if [[ $current == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "${options[${COMP_WORDS[1]}]:-} --help" -- "$current")
            else
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi
            ;;
    esac
}

complete -F _emotiond emotiond

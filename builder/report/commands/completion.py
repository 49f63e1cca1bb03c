"""The completion of a shell, as the script that it reads when it starts.

All commands, options and choices stand in the script: optbuild itself does not run when somebody presses Tab. Images
and services are asked of ``docker``, where one is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.report.commands.rows import ValueKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from builder.report.commands.rows import ArgumentRow, CommandRow, OptionRow

_GLOBAL = {"--quiet": "No progress: only results and errors.", "--version": "Print the version and exit."}
_HELP = {"--help": "Show this message and exit."}
_IMAGES = "docker image ls --filter dangling=false --format '{{.Repository}}:{{.Tag}}' 2>/dev/null"
_SERVICES = "docker compose config --services 2>/dev/null"
_BASH_HEAD = """\
# bash completion of optbuild, written by `optbuild completion bash`.
_optbuild_images() {{ {images}; }}
_optbuild_services() {{ {services}; }}
_optbuild() {{
    local line=${{COMP_LINE:0:COMP_POINT}} current previous word command="" kind="" choices="" options="" index
    local -a words
    current=${{line##*[[:space:]]}}
    read -ra words <<<"${{line:0:${{#line}}-${{#current}}}}"
    previous=${{words[-1]:-}}
    for word in "${{words[@]:1}}"; do
        case $word in {names}) command=$word; break ;; esac
    done
    case "$command $previous" in
{values}
    esac
    if [[ -z $kind ]]; then
        case "$command" in
{commands}
        esac
        if [[ $current == -* ]]; then kind="choices" choices=$options; fi
    fi
    COMPREPLY=()
    case $kind in
        image) choices=$(_optbuild_images) ;;
        service) choices=$(_optbuild_services) ;;
        other) return ;;
    esac
    case $kind in
        file) compopt -o default 2>/dev/null ;;
        folder) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current") ;;
    esac
    [[ $kind == image ]] && mapfile -t -O "${{#COMPREPLY[@]}}" COMPREPLY < <(compgen -f -- "$current")
    # bash took what stands before the last colon for a word of its own
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        for index in "${{!COMPREPLY[@]}}"; do COMPREPLY[index]=${{COMPREPLY[index]#"${{current%:*}}:"}}; done
    fi
}}
complete -F _optbuild optbuild
"""


def format_bash_completion(commands: Sequence[CommandRow]) -> str:
    """For bash 4 and newer."""
    names = " ".join(one.name for one in commands)
    rows = [f'            "") options="{" ".join(_GLOBAL | _HELP)}"; kind="choices" choices="{names}" ;;']
    for command in commands:
        words = " ".join(option.names[0] for option in command.options)
        value = _assign_bash(command.arguments[0]) if command.arguments else 'kind="other"'
        rows.append(f'            {command.name}) options="{words}"; {value} ;;')
    values = [
        f"        {_quote_patterns(command, option)}) {_assign_bash(option)} ;;"
        for command, option in _list_valued(commands)
    ]
    return _BASH_HEAD.format(
        images=_IMAGES,
        services=_SERVICES,
        names="|".join(one.name for one in commands),
        values="\n".join(values),
        commands="\n".join(rows),
    )


def _list_valued(commands: Iterable[CommandRow]) -> Iterator[tuple[CommandRow, OptionRow]]:
    for command in commands:
        yield from ((command, option) for option in command.options if option.metavar)


def _quote_patterns(command: CommandRow, option: OptionRow) -> str:
    return "|".join(f'"{command.name} {name}"' for name in option.names)


def _assign_bash(row: OptionRow | ArgumentRow) -> str:
    if row.choices:
        return f'kind="choices" choices="{" ".join(row.choices)}"'
    return f'kind="{row.kind.value}"'


_ZSH_HEAD = """\
#compdef optbuild
# zsh completion of optbuild, written by `optbuild completion zsh`.
_optbuild_images() {{ local -a found; found=(${{(f)"$({images})"}}); compadd -a found; _files }}
_optbuild_services() {{ local -a found; found=(${{(f)"$({services})"}}); compadd -a found }}
_optbuild() {{
  local context state state_descr line
  typeset -A opt_args
  _arguments -C {options} '1:command:->command' '*::argument:->rest'
  case $state in
    command)
      local -a commands
      commands=(
{names}
      )
      _describe command commands ;;
    rest)
      case $words[1] in
{commands}
      esac ;;
  esac
}}
if [ "$funcstack[1]" = _optbuild ]; then _optbuild "$@"; else compdef _optbuild optbuild; fi
"""
_ZSH_ACTIONS: Mapping[ValueKind, str] = {
    ValueKind.IMAGE: "_optbuild_images",
    ValueKind.SERVICE: "_optbuild_services",
    ValueKind.FILE: "_files",
    ValueKind.FOLDER: "_files -/",
    ValueKind.OTHER: " ",
}


def format_zsh_completion(commands: Sequence[CommandRow]) -> str:
    """To be read by .zshrc after compinit, or to lie as ``_optbuild`` in a folder of ``fpath``."""
    names = [f"        {_quote_zsh(f'{one.name}:{one.summary}')}" for one in commands]
    rows = []
    for command in commands:
        specs = [*map(_format_zsh_option, command.options), *map(_format_zsh_argument, command.arguments)]
        rows.append(f"        {command.name}) _arguments {' '.join(specs)} ;;")
    options = " ".join(_quote_zsh(f"{name}[{text}]") for name, text in (_GLOBAL | _HELP).items())
    return _ZSH_HEAD.format(
        images=_IMAGES, services=_SERVICES, options=options, names="\n".join(names), commands="\n".join(rows)
    )


def _format_zsh_option(option: OptionRow) -> str:
    text = _escape_zsh(option.help)
    value = ""
    if option.metavar:
        action = f"({' '.join(option.choices)})" if option.choices else _ZSH_ACTIONS[option.kind]
        value = f":{_escape_zsh(option.metavar)}:{action}"
    names = " ".join(option.names)
    if option.repeated:
        return " ".join(_quote_zsh(f"*{name}[{text}]{value}") for name in option.names)
    return " ".join(_quote_zsh(f"({names}){name}[{text}]{value}") for name in option.names)


def _format_zsh_argument(argument: ArgumentRow) -> str:
    action = f"({' '.join(argument.choices)})" if argument.choices else _ZSH_ACTIONS[argument.kind]
    return _quote_zsh(f"{'*' * argument.repeated}:{_escape_zsh(argument.metavar)}:{action}")


def _escape_zsh(text: str) -> str:
    for character in "\\[]:":
        text = text.replace(character, f"\\{character}")
    return text


def _quote_zsh(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


_FISH_HEAD = """\
# fish completion of optbuild, written by `optbuild completion fish`.
function __optbuild_images; {images}; end
function __optbuild_services; {services}; end
complete -c optbuild -f
"""


def format_fish_completion(commands: Sequence[CommandRow]) -> str:
    """To lie as optbuild.fish in ``~/.config/fish/completions``, or to be read by ``source``."""
    lines = [_FISH_HEAD.format(images=_IMAGES, services=_SERVICES).rstrip()]
    for name, text in (_GLOBAL | _HELP).items():
        lines.append(f"complete -c optbuild -n __fish_use_subcommand -l {name[2:]} -d {_quote_fish(text)}")
    for command in commands:
        named = f"complete -c optbuild -n {_quote_fish(f'__fish_seen_subcommand_from {command.name}')}"
        lines.append(
            f"complete -c optbuild -n __fish_use_subcommand -a {command.name} -d {_quote_fish(command.summary)}"
        )
        lines += [f"{named} {_format_fish_option(option)}" for option in command.options]
        lines += [f"{named} {_format_fish_argument(argument)}" for argument in command.arguments]
    return "\n".join(lines) + "\n"


def _format_fish_option(option: OptionRow) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    text = f"-d {_quote_fish(option.help)}"
    if not option.metavar:
        return f"{names} {text}"
    if option.choices:
        return f"{names} {text} -x -a {_quote_fish(' '.join(option.choices))}"
    return f"{names} {text} -r {_format_fish_value(option.kind)}".rstrip()


def _format_fish_argument(argument: ArgumentRow) -> str:
    if argument.choices:
        return f"-f -a {_quote_fish(' '.join(argument.choices))}"
    return _format_fish_value(argument.kind)


def _format_fish_value(kind: ValueKind) -> str:
    match kind:
        case ValueKind.IMAGE:
            return "-F -a '(__optbuild_images)'"
        case ValueKind.SERVICE:
            return "-f -a '(__optbuild_services)'"
        case ValueKind.FILE:
            return "-F"
        case ValueKind.FOLDER:
            return "-f -a '(__fish_complete_directories)'"
        case ValueKind.OTHER:
            return "-f"


def _quote_fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

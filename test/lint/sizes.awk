# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Prints "LINES FILE:LINE NAME" for each function of C files. What is inside of an initializer does not count. A function
# begins where a brace opens at depth 0 behind a closing parenthesis; strings, characters and comments are taken out first.

function strip(s,    out, c, i, n) {
        out = ""
        n = length(s)
        for (i = 1; i <= n; i++) {
                c = substr(s, i, 1)
                if (comment) {
                        if (c == "*" && substr(s, i + 1, 1) == "/") { comment = 0; i++ }
                } else if (quote != "") {
                        if (c == "\\") i++
                        else if (c == quote) { quote = ""; out = out "0" }
                } else if (c == "/" && substr(s, i + 1, 1) == "*") {
                        comment = 1; i++
                } else if (c == "/" && substr(s, i + 1, 1) == "/") {
                        break
                } else if (c == "\"" || c == "'") {
                        quote = c
                } else {
                        out = out c
                }
        }
        quote = ""
        return out
}

FNR == 1 { depth = 0; text = ""; in_function = 0; table = 0; comment = 0; continued = 0 }

{
        line = strip($0)
        # Directives, with their continuation lines, open nothing.
        if (continued || line ~ /^[ \t]*#/) {
                continued = $0 ~ /\\$/
                if (in_function && !table) lines++
                next
        }
        if (in_function && !table) lines++
        for (i = 1; i <= length(line); i++) {
                c = substr(line, i, 1)
                if (c == "{") {
                        if (depth == 0 && text ~ /\)[ \t]*(__attribute__[^{]*)?$/ && text !~ /=/) {
                                in_function = 1
                                lines = 1
                                start = FNR
                                name = text
                                sub(/[ \t]*\(.*/, "", name)
                                sub(/.*[ \t*]/, "", name)
                        } else if (in_function && !table && text ~ /=[ \t]*(\([^)]*\))?[ \t]*$/) {
                                table = depth + 1
                        }
                        depth++
                        text = ""
                } else if (c == "}") {
                        depth--
                        if (table && depth + 1 == table) table = 0
                        if (depth == 0 && in_function) {
                                print lines, FILENAME ":" start, name
                                in_function = 0
                        }
                        text = ""
                } else if (c == ";") {
                        text = ""
                } else {
                        text = text c
                }
        }
        text = text " "
}

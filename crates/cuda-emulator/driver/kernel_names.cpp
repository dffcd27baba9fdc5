// Finds the kernels of a preprocessed program: no comments and macros are left, but `__global__` and
// `__launch_bounds__`, which the headers leave alone for this.
#include "kernel_names.h"

#include <cctype>
#include <set>

namespace {

bool is_name(char c) { return isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

class Reader {
  public:
    Reader(const std::string &text, size_t at) : text(text), at(at) {}

    // The next name, or the next single character, or nothing at the end.
    std::string token() {
        while (at < text.size() && isspace(static_cast<unsigned char>(text[at]))) {
            at += 1;
        }
        const size_t start = at;
        while (at < text.size() && is_name(text[at])) {
            at += 1;
        }
        if (at == start && at < text.size()) {
            at += 1;
        }
        return text.substr(start, at - start);
    }

    // What stands between the bracket just read and the one that closes it.
    std::string until_closed() {
        const size_t start = at;
        for (int depth = 1; at < text.size(); ++at) {
            depth += text[at] == '(';
            depth -= text[at] == ')';
            if (depth == 0) {
                return text.substr(start, at++ - start);
            }
        }
        return "";
    }

  private:
    const std::string &text;
    size_t at;
};

struct Found {
    std::string name, bounds;
};

// Reads on behind `__global__`: attributes in any order, `void`, the name, and the parameters.
Found read_kernel(Reader reader) {
    Found found;
    for (std::string token = reader.token(); !token.empty(); token = reader.token()) {
        if (token == "(") {
            const std::string inside = reader.until_closed();
            if (found.name == "__launch_bounds__") {
                found.bounds = inside;
            } else if (found.name != "__attribute__") {
                const bool defined = reader.token() == "{";
                return defined ? found : Found();
            }
        } else if (token == ";" || token == "{") {
            return Found();
        } else {
            found.name = token;
        }
    }
    return Found();
}

} // namespace

std::string kernel_table(const std::string &preprocessed) {
    static const std::string MARK = "__global__";
    std::string table = "#line 1 \"table of kernels\"\nEMULATOR_IMAGE\n";
    std::set<std::string> names;
    for (size_t at = 0; (at = preprocessed.find(MARK, at)) != std::string::npos; at += MARK.size()) {
        const size_t end = at + MARK.size();
        if ((at > 0 && is_name(preprocessed[at - 1])) || (end < preprocessed.size() && is_name(preprocessed[end]))) {
            continue;
        }
        const Found found = read_kernel(Reader(preprocessed, end));
        if (!found.name.empty() && names.insert(found.name).second) {
            table += "EMULATOR_KERNEL(" + found.name + (found.bounds.empty() ? "" : ", " + found.bounds) + ")\n";
        }
    }
    return table;
}

// The two flags of a branch: whether each of its plans runs.

// One thread. A branch inside a plan that does not run has neither.
DEVICE void branch(const Guard guard, const bool* predicate, u8* then, u8* otherwise) {
    const bool runs = !guard.closed();
    *then = runs && *predicate;
    *otherwise = runs && !*predicate;
}

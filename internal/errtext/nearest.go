package errtext

// Nearest returns the name in names that word is probably a misspelling of: the one with
// the smallest edit distance, if at most a third of the word's letters are wrong. If
// there is none it returns "". The first of several names with the same distance wins.
func Nearest(word string, names []string) string {
	const maxWord = 64 // longer words are no misspellings, and cost time
	if len(word) > maxWord {
		return ""
	}
	best, least := "", max(1, len(word)/3)+1
	for _, name := range names {
		if len(name) > maxWord || name == word {
			continue
		}
		if d := distance(word, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance returns the number of bytes to insert, delete, replace or swap with their
// neighbour to turn a into b (optimal string alignment distance).
func distance(a, b string) int {
	before, last, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			replace := last[j]
			if a[i] != b[j] {
				replace++
			}
			next[j+1] = min(replace, last[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, last, next = last, next, before
	}
	return last[len(b)]
}

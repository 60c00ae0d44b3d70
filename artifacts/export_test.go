package artifacts

// Functions for the tests of package artifacts_test.
var (
	ParseManifest  = parseManifest
	ParseNorm      = parseNorm
	ParseArtifacts = parseArtifacts
	ParseTables    = parseTables
)

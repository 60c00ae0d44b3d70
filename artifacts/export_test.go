package artifacts

// What tests outside the package look at.
var (
	ParseManifest  = parseManifest
	ParseNorm      = parseNorm
	ParseArtifacts = parseArtifacts
	ParseTables    = parseTables
)

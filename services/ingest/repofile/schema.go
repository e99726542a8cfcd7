package repofile

import _ "embed"

//go:generate go test -run TestSchemaIsGenerated -update .

//go:embed fiord.schema.json
var schema []byte

// Schema is the JSON Schema (draft 2020-12) of fiord.yaml, for editors. It
// states the shape; [Parse] checks more than a schema can say.
func Schema() []byte { return append([]byte(nil), schema...) }

# Makes of one part of the way back (see rollback.go) and of the live CIB, as cibadmin prints it, the patch that takes back what is still
# hactl's own, and says of each piece what becomes of it: undone, same (it is back already) or stays.
#
# only: the number of the one piece to look at, 0 for all. out: the file for the patch; it stays empty where there is nothing to do.
# mark: the id of an apply that waits for confirmation; its mark must be in the CIB, and becomes what to says: undoing, undone, or stays as it is.

BEGIN { FS = "\t"; markpath = "/cib/configuration/crm_config/cluster_property_set[@id='hactl']/nvpair[@id='hactl-confirm']" }

FILENAME == ARGV[1] {
	kind[++n] = $1; label[n] = $2; path[n] = $3; ours[n] = $4; back[n] = $5; change[n] = $6; parent[n] = $7
	wanted[$3] = 1
	next
}

# plain is a value without escapes; Pacemaker 2.1.5 prints it so anyway.
function plain(s) {
	gsub(/&apos;/, "'", s); gsub(/&quot;/, "\"", s); gsub(/&lt;/, "<", s); gsub(/&gt;/, ">", s)
	gsub(/\t|&#9;|&#x9;/, "    ", s); gsub(/\n|&#10;|&#xA;/, "\\n", s); gsub(/\r|&#13;|&#xD;/, "\\r", s)
	gsub(/&amp;/, "\\&", s)
	return s
}

# element reads a start tag: tag, id, canon (the tag and its attributes in order).
function element(s,    m, i, j, k, a) {
	match(s, /^<[^ \/>]+/)
	tag = substr(s, 2, RLENGTH - 1)
	s = substr(s, RLENGTH + 1)
	id = ""; m = 0
	while (match(s, /[^ =]+="[^"]*"/)) {
		a = substr(s, RSTART, RLENGTH)
		s = substr(s, RSTART + RLENGTH)
		a = plain(a)
		if (substr(a, 1, 4) == "id=\"") id = substr(a, 5, length(a) - 5)
		for (i = ++m; i > 1 && list[i-1] > a; i--) list[i] = list[i-1]
		list[i] = a
	}
	canon = tag
	for (i = 1; i <= m; i++) canon = canon " " list[i]
}

# A value may go over several lines.
open != "" { $0 = open "\n" $0; open = "" }
{ line = $0; sub(/^[ \t]+/, "", line) }
line ~ /^</ && line !~ />$/ { open = line; next }

line ~ /^<[?!]/ { next }

line ~ /^<\// {
	for (i = 1; i <= depth; i++) if (at[i] in wanted) text[at[i]] = text[at[i]] "</>"
	depth--
	next
}

line ~ /^</ {
	element(line)
	at[depth + 1] = at[depth] "/" tag (id == "" ? "" : "[@id='" id "']")
	here = at[++depth]
	seen[here]++
	before[here] = last[at[depth - 1]]
	last[at[depth - 1]] = here
	attrs[here] = canon
	if (here in wanted) text[here] = ""
	for (i = 1; i <= depth; i++) if (at[i] in wanted) text[at[i]] = text[at[i]] "<" canon ">"
	if (depth == 1) root = line
	if (line ~ /\/>$/) {
		for (i = 1; i <= depth; i++) if (at[i] in wanted) text[at[i]] = text[at[i]] "</>"
		depth--
	}
}

function version(name) {
	match(root, " " name "=\"[0-9]+\"")
	return substr(root, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
}

function verdict(i,    p) {
	p = path[i]
	if (seen[p] > 1) return "stays: it is there more than once"
	if (kind[i] == "modify") {
		if (!(p in attrs)) return "stays: it is gone"
		if (attrs[p] == ours[i]) return "undone"
		return attrs[p] == back[i] ? "same" : "stays: it was changed since"
	}
	if (kind[i] == "delete") {
		if (!(p in attrs)) return "same"
		return text[p] == ours[i] ? "undone" : "stays: it was changed since"
	}
	if (kind[i] == "replace") {
		if (!(p in attrs)) return "stays: it is gone"
		if (before[p] " " text[p] == ours[i]) return "undone"
		return before[p] " " text[p] == back[i] ? "same" : "stays: it was changed since"
	}
	if (p in attrs) return text[p] == back[i] ? "same" : "stays: it was made anew since"
	if (parent[i] in attrs) return "undone"
	return p ~ /hactl-stopping-/ ? "same" : "stays: what it belongs to is gone" # it has stopped and is gone: well
}

END {
	printf "" > out
	if (root == "") exit 70
	if (mark != "" && attrs[markpath] !~ ("value=\"(pending|undoing) " mark "\"")) {
		other = match(attrs[markpath], /value="[a-z]+ [^"]*"/) ? substr(attrs[markpath], RSTART + 7, RLENGTH - 8) : ""
		sub(/^[a-z]* /, "", other)
		if (attrs[markpath] ~ ("value=\"undone " mark "\"")) print "undone"
		else if ((other "") < (mark "")) print "never" # ids begin with the time
		else print "confirmed"
		exit 0
	}
	if (to != "" && attrs[markpath] ~ ("value=\"" to " ")) to = ""
	for (i = 1; i <= n; i++) {
		if (only && only != i) continue
		v = verdict(i)
		print i "\t" v "\t" label[i]
		if (v == "undone") { body = body change[i]; some = 1 }
	}
	if (mark != "" && to != "") {
		body = "<change operation=\"modify\" path=\"" markpath "\"><change-list><change-attr name=\"value\" operation=\"set\" value=\"" to " " mark "\"/></change-list>" \
			"<change-result><nvpair id=\"hactl-confirm\" name=\"hactl-confirm\" value=\"" to " " mark "\"/></change-result></change>" body
		some = 1
	}
	if (!some) exit 0
	a = version("admin_epoch"); e = version("epoch"); u = version("num_updates")
	attributes = root
	sub(/^<cib/, "", attributes); sub(/[ \/]*>$/, "", attributes)
	sub(" epoch=\"" e "\"", " epoch=\"" (e + 1) "\"", attributes)
	sub(" num_updates=\"" u "\"", " num_updates=\"0\"", attributes)
	printf "<diff format=\"2\"><version><source admin_epoch=\"%s\" epoch=\"%s\" num_updates=\"%s\"/><target admin_epoch=\"%s\" epoch=\"%s\" num_updates=\"0\"/></version>", a, e, u, a, e + 1 > out
	printf "<change operation=\"modify\" path=\"/cib\"><change-list><change-attr name=\"epoch\" operation=\"set\" value=\"%s\"/><change-attr name=\"num_updates\" operation=\"set\" value=\"0\"/></change-list><change-result><cib%s/></change-result></change>", e + 1, attributes > out
	printf "%s</diff>\n", body > out
}

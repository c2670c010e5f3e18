package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/hactl/hactl/test/e2e/lab"
)

// workflow is what is read of examples/ci's GitHub workflow.
type workflow struct {
	Env  map[string]string
	Jobs map[string]struct{ Steps []workflowStep }
}

type workflowStep struct {
	Name, ID, Run string
	Env           map[string]string
}

// runner does what GitHub does with a job: it runs the commands of its steps one after the other in the checked-out repository.
type runner struct {
	dir  string // the repository
	bin  string // programs that take the place of those on a runner
	env  []string
	vars map[string]string // what ${{ … }} stands for
}

var expression = regexp.MustCompile(`\$\{\{ *([^ }]+) *\}\}`)

// run runs the steps and gives the exit code of the last; a step that fails ends the job.
func (r *runner) run(t *testing.T, steps []workflowStep) int {
	t.Helper()
	for _, s := range steps {
		if s.Run == "" {
			continue // an action of GitHub's
		}
		output := filepath.Join(r.bin, "output")
		if err := os.WriteFile(output, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.Command("bash", "-e", "-c", s.Run)
		c.Dir = r.dir
		c.Env = append(r.env, "PATH="+r.bin+":"+os.Getenv("PATH"), "GITHUB_OUTPUT="+output, "GITHUB_STEP_SUMMARY="+filepath.Join(r.bin, "summary"), "GITHUB_REPOSITORY=o/r")
		for k, v := range s.Env {
			c.Env = append(c.Env, k+"="+expression.ReplaceAllStringFunc(v, func(x string) string { return r.vars[expression.FindStringSubmatch(x)[1]] }))
		}
		out, err := run(c)
		t.Logf("%s: %v\n%s", s.Name, err, out)
		if err != nil {
			return c.ProcessState.ExitCode()
		}
		for line := range strings.Lines(content(t, output)) {
			k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
			r.vars["steps."+s.ID+".outputs."+k] = v
		}
	}
	return 0
}

// gh keeps the comment of the pull request in comment.md, and installers only tell what they would install.
var runnerPrograms = map[string]string{
	"gh": `#!/bin/sh
here=${0%/*}
case "$*" in
*POST*|*PATCH*) for a; do case $a in body=@*) cp "${a#body=@}" "$here/comment.md";; esac; done; echo "$*" >> "$here/calls";;
*) [ -e "$here/comment.md" ] && jq -n --rawfile b "$here/comment.md" '[{id: 7, user: {login: "github-actions[bot]"}, body: $b}]' || echo '[]';;
esac
`,
	"go":   "#!/bin/sh\necho \"go $*\" >> \"${0%/*}/installed\"\n",
	"sudo": "#!/bin/sh\necho \"$*\" >> \"${0%/*}/installed\"\n",
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// commands runs shell commands on this machine, in the network of the hub.
func commands(t *testing.T, l *lab.Lab, env []string, script string) {
	t.Helper()
	c := l.Hub("sh", "-ec", script)
	c.Env = append(os.Environ(), env...)
	if out, err := run(c); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// reactions are what a plan foretells, with its causes.
func reactions(t *testing.T, l *lab.Lab, args ...string) []reaction {
	t.Helper()
	p := planJSON(t, l, args...)
	if p.Prediction.Unattributed != "" {
		t.Errorf("plan %v: not attributed: %s", args, p.Prediction.Unattributed)
	}
	return p.Prediction.Reactions
}

// The cluster's side of examples/ci pushes a snapshot into a repository, and the job of a pull request posts the plan, where no node is reached. It
// foretells what a plan at the nodes does; a saved plan is applied as long as nothing moved.
func TestExampleCI(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 2)
	dir, bin := t.TempDir(), t.TempDir()
	example := example(t, "ci")
	for name, text := range runnerPrograms {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(lab.Program(t), filepath.Join(bin, "hactl")); err != nil {
		t.Fatal(err)
	}
	env := []string{"HOME=" + l.Home, "PATH=" + bin + ":" + os.Getenv("PATH"), "DIR=" + dir, "EXAMPLE=" + example, "REPOSITORY=file://" + dir + "/repo.git",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b"}
	// The lab's BMCs speak cipher suite 3.
	commands(t, l, env, `git init -q --bare -b main "$DIR/repo.git"; git clone -q "$REPOSITORY" "$DIR/pr" 2>&1; cd "$DIR/pr"; git checkout -q -b main
		sed 's/lanplus: 1/lanplus: 1, cipher: 3/' "$EXAMPLE/cluster.yaml" > cluster.yaml; git add cluster.yaml; git commit -qm one; git push -q origin main`)
	manifests := filepath.Join(dir, "pr", "cluster.yaml")
	apply(t, l, "-f", manifests, "--yes")
	commands(t, l, env, `PATH="$PATH"; sh "$EXAMPLE/snapshot/push-snapshot"; git clone -q -b hactl-snapshot "$REPOSITORY" "$DIR/pr/.hactl-snapshot"`)

	var w workflow
	if err := yaml.Unmarshal([]byte(content(t, filepath.Join(example, ".github", "workflows", "hactl-plan.yml"))), &w); err != nil {
		t.Fatal(err)
	}
	r := &runner{dir: filepath.Join(dir, "pr"), bin: bin, env: append(os.Environ(), "HOME="+dir), vars: map[string]string{"github.token": "t", "github.event.pull_request.number": "5"}}
	for k, v := range w.Env {
		r.env = append(r.env, k+"="+v)
	}
	job := w.Jobs["plan"].Steps
	change := func(pairs ...string) {
		t.Helper()
		text := strings.NewReplacer(pairs...).Replace(content(t, manifests))
		if err := os.WriteFile(manifests, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	comment := func() string {
		t.Helper()
		c := content(t, filepath.Join(bin, "comment.md"))
		if len(c) >= 60_000 || !strings.HasPrefix(c, "<!-- hactl plan: web -->\n") {
			t.Errorf("a comment of %d bytes, beginning with %.40q", len(c), c)
		}
		return c
	}

	t.Run("a pull request", func(t *testing.T) {
		change("ip: 10.77.0.10,", "ip: 10.77.0.11,")
		if code := r.run(t, job); code != 0 {
			t.Errorf("the check failed with %d", code)
		}
		live := reactions(t, l, "-f", manifests)
		if len(live) < 2 {
			t.Fatalf("a new address restarts its group: %+v", live)
		}
		c := comment()
		for _, x := range live {
			if row := regexp.MustCompile(`(?m)^\|.*` + x.Action + `.*\b` + x.Resource + `\b.*\|$`); !row.MatchString(c) {
				t.Errorf("no row of the comment is like %s:\n%s", row, c)
			}
		}
		for _, snapshot := range []string{filepath.Join(r.dir, ".hactl-snapshot", "snapshot.json.gz"), filepath.Join(dir, "host.json")} {
			if filepath.Ext(snapshot) == ".json" { // of one node that tells the others
				if stdout, stderr, code := l.Hactl("snapshot", "--host", l.Node("node1").LAN, "-o", snapshot); code != 0 {
					t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
				}
			}
			if offline := reactions(t, l, "-f", manifests, "--snapshot", snapshot); !reflect.DeepEqual(live, offline) {
				t.Errorf("%s foretells\n%+v, at the nodes\n%+v", snapshot, offline, live)
			}
		}
		if got := content(t, filepath.Join(bin, "installed")); !strings.Contains(got, "go install github.com/hactl/hactl/cmd/hactl@v") || !strings.Contains(got, "pacemaker-cli-utils") {
			t.Errorf("installed: %s", got)
		}
	})
	t.Run("a saved plan", func(t *testing.T) {
		plan := filepath.Join(dir, "plan.json")
		if stdout, stderr, code := l.Hactl("plan", "-f", manifests, "--out", plan); code != 2 {
			t.Fatalf("exit code %d\n%s\n%s", code, stdout, stderr)
		}
		vip := func(ip string) {
			t.Helper()
			l.MustExec("node1", "crm_resource", "--resource", "vip", "--set-parameter", "ip", "--parameter-value", ip)
		}
		vip("10.77.0.12")
		refused(t, l.HactlCmd("apply", plan, "--yes"), "nothing was done: since "+plan, "this has moved:",
			"was update Resource/vip params.ip: 10.77.0.10 → 10.77.0.11 (restart), is now update Resource/vip params.ip: 10.77.0.12 → 10.77.0.11 (restart)")
		if now := l.MustExec("node1", "crm_resource", "--resource", "vip", "--get-parameter", "ip"); strings.TrimSpace(now) != "10.77.0.12" {
			t.Errorf("a refused plan changed the address to %s", now)
		}
		vip("10.77.0.10")
		l.MustExec("node1", "crm_resource", "--resource", "nginx", "--meta", "--set-parameter", "is-managed", "--parameter-value", "false")
		refused(t, l.HactlCmd("apply", plan, "--yes"), "this has moved:", "not any more: the cluster will restart nginx on node")
		l.MustExec("node1", "crm_resource", "--resource", "nginx", "--meta", "--delete-parameter", "is-managed")
		settle(t, l)
		// The tool leaves an empty set behind.
		refused(t, l.HactlCmd("apply", plan, "--yes"), "would make the same changes otherwise: what stands beside them in the cluster was changed: something that the plan neither reads nor writes")
		l.MustExec("node1", "cibadmin", "--delete", "--xpath", "//primitive[@id='nginx']/meta_attributes")
		apply(t, l, plan, "--yes")
		if missing := serves(l, "http://10.77.0.11/", "nginx")(); missing != "" {
			t.Errorf("the new address does not answer: %s", missing)
		}
		refused(t, l.HactlCmd("apply", plan, "--yes"), "not needed any more: update Resource/vip params.ip")
	})
	t.Run("a large pull request, and one that fails", func(t *testing.T) {
		small := content(t, manifests)
		var many strings.Builder
		for i := range 150 {
			many.WriteString(dummy(fmt.Sprintf("many%d", i), "fake: a"))
		}
		change("  params: {configfile: /etc/nginx/nginx.conf}", "  params: {configfile: /etc/nginx/other.conf}", "ip: 10.77.0.11,", "ip: 10.77.0.13,")
		if err := os.WriteFile(manifests, []byte(content(t, manifests)+many.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if code := r.run(t, job); code != 0 {
			t.Errorf("the check failed with %d", code)
		}
		if c := comment(); !strings.Contains(c, "vip") || !strings.Contains(c, "many1") {
			t.Errorf("the comment tells nothing of the changes:\n%.2000s", c)
		}
		if err := os.WriteFile(manifests, []byte(strings.Replace(small, "lanplus: 1", "lanplus: 2, nonsense: 1", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if code := r.run(t, job); code != 1 {
			t.Errorf("the check of a mistake ended with %d", code)
		}
		if c := content(t, filepath.Join(bin, "comment.md")); !strings.Contains(c, "hactl plan failed") || !strings.Contains(c, "nonsense") {
			t.Errorf("the comment does not tell the mistake:\n%s", c)
		}
		if calls := content(t, filepath.Join(bin, "calls")); strings.Count(calls, "POST") != 1 || strings.Count(calls, "PATCH") != 2 {
			t.Errorf("want one comment, and it changed twice:\n%s", calls)
		}
	})
}

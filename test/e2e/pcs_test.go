package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hactl/hactl/test/e2e/lab"
)

// pcsFile is a configuration made by pcs in a file, without a cluster: a bit of everything that pcs can say.
var pcsFile = []string{
	"property set stonith-enabled=true no-quorum-policy=freeze --force",
	"stonith create f1 fence_ipmilan ip=10.79.0.1 username=admin password=secret lanplus=1 pcmk_host_list=node1",
	"stonith create f2 fence_virsh ip=10.0.0.9 username=root ssh=1 pcmk_host_map=node2:vm2;node3:vm3",
	"constraint location f1 avoids node1",
	"stonith level add 1 node1 f1",
	"stonith level add 2 node1 f2",
	"stonith level add 1 regexp%node[23] f2",
	"stonith level add 1 attrib%rack=a f1,f2",
	"resource defaults update resource-stickiness=100 migration-threshold=3",
	"resource defaults set create id=light score=10 meta resource-stickiness=5 rule resource ::Dummy",
	"resource op defaults update timeout=40s",
	"resource op defaults set create id=slow meta timeout=90s rule op monitor and resource ocf:heartbeat:Filesystem",
	"resource create vip ocf:heartbeat:IPaddr2 ip=10.0.0.100 cidr_netmask=24 op monitor interval=10s --group web",
	"resource create app ocf:pacemaker:Dummy fake=1 op monitor interval=10s OCF_CHECK_LEVEL=10 --group web",
	"resource create fs ocf:heartbeat:Filesystem device=/dev/x directory=/srv fstype=ext4 op monitor interval=20s timeout=40s start timeout=60s stop timeout=60s",
	"resource create pingd ocf:pacemaker:ping host_list=10.0.0.1 clone interleave=true",
	"resource create db ocf:pacemaker:Stateful promotable promoted-max=1 notify=true",
	"resource create svc systemd:haproxy --force",
	"resource utilization app cpu=2 memory=512",
	"resource bundle create box container docker image=web:1 replicas=2 network ip-range-start=10.0.0.50 port-map port=80 storage-map source-dir=/srv target-dir=/data",
	"resource create inside ocf:pacemaker:Dummy bundle box",
	"constraint colocation add web with Promoted db-clone INFINITY",
	"constraint colocation add fs with svc -50",
	"constraint order promote db-clone then start web",
	"constraint order fs then svc kind=Optional symmetrical=false",
	"constraint order set fs svc sequential=false set web setoptions kind=Mandatory",
	"constraint colocation set fs svc sequential=false role=Started setoptions score=100",
	"constraint ticket add T Promoted db-clone loss-policy=demote",
	"constraint ticket set fs svc setoptions ticket=U loss-policy=stop",
	"constraint location svc prefers node1=50 node2",
	"constraint location fs rule score=-INFINITY not_defined pingd or pingd lt 100",
	"constraint location db-clone rule id=hours role=Promoted score=500 date-spec hours=9-16 weekdays=1-5 and (#uname eq node1 or date lt 2031-01-01)",
	"constraint location regexp%^p.* avoids node3=10",
	"tag create front web pingd-clone",
	"acl role create reader description=looks read xpath /cib deny id svc",
	"acl user create rouser reader",
	"acl group create staff reader",
	"alert create id=note path=/usr/local/bin/note description=tells options debug=1 meta timeout=15s",
	"alert recipient add note value=ops@example.org id=ops options level=2",
}

// pcs runs pcs on a file.
func pcs(t *testing.T, file string, args ...string) string {
	t.Helper()
	out, err := exec.Command("pcs", append([]string{"-f", file}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("pcs -f %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// A CIB made by pcs imports to manifests with an empty plan, and pcs shows the same configuration of what hactl renders from them.
func TestPCSReadsWhatHactlRenders(t *testing.T) {
	t.Parallel()
	lab.Peer(t, "pcs")
	dir := t.TempDir()
	made, rendered := filepath.Join(dir, "made.xml"), filepath.Join(dir, "rendered.xml")
	empty := `<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration><crm_config/>` +
		`<nodes><node id="1" uname="node1"/><node id="2" uname="node2"/><node id="3" uname="node3"/></nodes><resources/><constraints/></configuration><status/></cib>`
	if err := os.WriteFile(made, []byte(empty), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range pcsFile {
		pcs(t, made, strings.Fields(c)...)
	}
	bin := lab.Program(t)
	hactl := func(codes int, args ...string) string {
		t.Helper()
		c := exec.Command(bin, args...)
		var stdout, stderr strings.Builder
		c.Stdout, c.Stderr = &stdout, &stderr
		if err := c.Run(); c.ProcessState.ExitCode() != codes {
			t.Fatalf("hactl %v: %v\n%s\n%s", args, err, stdout.String(), stderr.String())
		}
		if strings.Contains(stderr.String(), "cannot be expressed") {
			t.Errorf("hactl %v: %s", args, stderr.String())
		}
		return stdout.String()
	}
	out := filepath.Join(dir, "manifests")
	hactl(0, "import", "--cib", made, "--output", out)
	if plan := hactl(0, "plan", "--cib", made, "-f", out); !strings.Contains(plan, "nothing to change") {
		t.Errorf("the plan after the import:\n%s", plan)
	}
	xml := hactl(0, "render", "--only", "cib", "-f", out)
	if err := os.WriteFile(rendered, []byte(xml), 0o600); err != nil {
		t.Fatal(err)
	}
	was, _ := exec.Command("crm_verify", "-x", made, "-V").CombinedOutput()
	if is, _ := exec.Command("crm_verify", "-x", rendered, "-V").CombinedOutput(); string(is) != string(was) {
		t.Errorf("crm_verify says of what hactl renders:\n%s\n--- and of what pcs made:\n%s", is, was)
	}
	for _, what := range []string{"property config", "stonith config", "stonith level config", "resource config", "resource defaults config", "resource op defaults config",
		"resource utilization", "constraint config --full", "tag config", "acl config", "alert config"} {
		was, is := pcs(t, made, strings.Fields(what)...), pcs(t, rendered, strings.Fields(what)...)
		if was, is = comparable(was), comparable(is); was != is {
			t.Errorf("pcs %s:\n%s\n--- of what hactl renders:\n%s", what, was, is)
		}
	}
}

// comparable leaves out what differs by intent: hactl's record, where a password stands, the ids of rules and sets that nothing refers to, and
// the "and" of a rule, which is Pacemaker's default, and the score of a rule inside a rule, which has no meaning.
func comparable(s string) string {
	var lines []string
	for _, l := range strings.Split(s, "\n") {
		if strings.Contains(l, "hactl") {
			continue
		}
		l = strings.NewReplacer("password=secret", "password=…", "password=lrm://", "password=…", "boolean-op=and ", "", "boolean-op=or score=0", "boolean-op=or").Replace(l)
		lines = append(lines, partID.ReplaceAllString(l, ""))
	}
	return strings.Join(lines, "\n")
}

var partID = regexp.MustCompile(` ?\(id:[^)]*(rule|expr|hours|_set)[^)]*\)`)

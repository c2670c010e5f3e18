package web_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
	"github.com/hactl/hactl/reconcile/watch/web"
)

// void are the elements without an end.
var void = regexp.MustCompile(`<(meta|link|br)\b[^>]*>`)

// page reads a page, whose elements must all be closed, and which must do nothing that its policy forbids.
func (s *site) page(path string) string {
	s.t.Helper()
	r, body := s.do("GET", path, "")
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		s.t.Errorf("%s: %s %v", path, r.Status, r.Header)
	}
	d := xml.NewDecoder(strings.NewReader(strings.Replace(void.ReplaceAllString(body, "$0</$1>"), " defer>", ">", 1)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.t.Fatalf("%s: %v\n%s", path, err, body)
		}
		e, ok := token.(xml.StartElement)
		if ok && (e.Name.Local == "img" || e.Name.Local == "style" || e.Name.Local == "iframe") {
			s.t.Errorf("%s: there is a <%s>", path, e.Name.Local)
		}
		for _, a := range e.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" {
				s.t.Errorf("%s: <%s %s=…> is against the page's own policy", path, e.Name.Local, a.Name.Local)
			}
			if (a.Name.Local == "src" || a.Name.Local == "href") && !strings.HasPrefix(a.Value, "/") && !strings.HasPrefix(a.Value, "#") {
				s.t.Errorf("%s: %s is not of this server", path, a.Value)
			}
		}
	}
	return body
}

func TestPage(t *testing.T) {
	serve(t, web.Options{}, func(s *site) {
		if body := s.page("/"); !strings.Contains(body, "No cluster is known yet") {
			t.Errorf("without a revision:\n%s", body)
		}
		s.settled("1")
		s.Says("2", "db/c.yaml", watchtest.Cluster("db", "</pre><script>alert(3)</script>"), "away/c.yaml", watchtest.Cluster("away", "one"))
		s.Refuse("away", errors.New("ssh: <b onclick=alert(4)>no</b> & \xff"))
		s.Says("3", "db/c.yaml", watchtest.Cluster("db", "</pre><script>alert(3)</script>"), "away/c.yaml", watchtest.Cluster("away", "two"))
		s.Phase("away", watch.Failing)
		s.Within(time.Minute, "the third revision", func() bool { return s.Cluster("db").Desired.ID == "3" })
		s.Fails(errors.New("git: <script>alert(5)</script>"))
		synctest.Wait()
		body := s.page("/")
		for _, want := range []string{"The source cannot be read: git: &lt;script&gt;", "no&lt;/b&gt; &amp;", "1 failing", "1 drifted", "<title>! hactl watch</title>", "objects differ"} {
			if !strings.Contains(body, want) {
				t.Errorf("the page lacks %q:\n%s", want, body)
			}
		}
		if strings.Index(body, "/clusters/away") > strings.Index(body, "/clusters/db") {
			t.Error("what fails is not first")
		}
		for _, path := range []string{"/clusters/db", "/clusters/away"} {
			if body := s.page(path); regexp.MustCompile(`<script>|<b `).MatchString(body) {
				t.Errorf("%s:\n%s", path, body)
			}
		}
		if body := s.page("/clusters/db"); !strings.Contains(body, "&lt;/pre&gt;&lt;script&gt;alert(3)") || !strings.Contains(body, "create Resource/app") {
			t.Errorf("the plan:\n%s", body)
		}
		for _, path := range []string{"/clusters/none", "/clusters/", "/assets/../page.go", "/clusters/%3Cscript%3E", "/assets/none.js"} {
			if r, body := s.do("GET", path, ""); r.StatusCode != http.StatusNotFound || strings.Contains(body, "<script>") {
				t.Errorf("%s: %s %s", path, r.Status, body)
			}
		}
		for path, kind := range map[string]string{"/assets/style.css": "text/css", "/assets/live.js": "text/javascript"} {
			if r, _ := s.do("GET", path, ""); r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), kind) {
				t.Errorf("%s: %s %s", path, r.Status, r.Header.Get("Content-Type"))
			}
		}
	})
}

// What a running cluster shows: nodes, and what is where.
func TestTopology(t *testing.T) {
	serve(t, web.Options{}, func(s *site) {
		s.Health = func(string) []reconcile.Health {
			return []reconcile.Health{
				{Object: reconcile.Ref{Kind: "DRBDResource", Name: "data"}, Text: "as it is to be", On: []reconcile.Place{{Node: "n1", As: "Primary UpToDate"}, {Node: "n3", As: "Secondary UpToDate"}}},
				{Object: reconcile.Ref{Kind: "VolumeGroup", Name: "vg"}, Level: reconcile.Failed, Text: "a disk is missing"},
				{Object: reconcile.Ref{Kind: "fencing", Name: "n1"}, Level: reconcile.Degraded, Text: "not by ipmi"},
				{Object: reconcile.Ref{Kind: "Node", Name: "n1"}, Text: "online"},
			}
		}
		s.settled("1")
		body := s.page("/clusters/db")
		row := regexp.MustCompile(`(?s)DRBDResource</span> data.*?</tr>`).FindString(body)
		if strings.Count(row, "<td>") != strings.Count(body, `<th scope="col">n`) || !strings.Contains(row, "Primary UpToDate") || !strings.Contains(row, "Secondary UpToDate") {
			t.Errorf("a replica a node: %s", row)
		}
		vg, fencing := strings.Index(body, "VolumeGroup/vg"), strings.Index(body, "fencing/n1")
		if vg < 0 || fencing < vg {
			t.Errorf("the troubles, the worst first:\n%s", body)
		}
		if !strings.Contains(s.page("/"), `<span class="failed">failed</span>`) {
			t.Error("the worst is not on the page of all")
		}
	})
}

func TestState(t *testing.T) {
	serve(t, web.Options{User: "op", Password: "of the page", HookSecret: "of the hook"}, func(s *site) {
		s.settled("1")
		body := s.get("/api/v1/state", "Authorization", "Basic b3A6b2YgdGhlIHBhZ2U=")
		if strings.Contains(body, "of the page") || strings.Contains(body, "of the hook") {
			t.Error("a secret is told")
		}
		var raw map[string]any
		if err := json.Unmarshal([]byte(body), &raw); err != nil {
			t.Fatal(err)
		}
		cluster := raw["clusters"].([]any)[0].(map[string]any)
		for _, name := range []string{"name", "phase", "desired", "looked", "took", "plan", "digest", "verdict", "health", "streams", "next"} {
			if _, ok := cluster[name]; !ok {
				t.Errorf("a cluster has no %q: %v", name, cluster)
			}
		}
		if raw["version"] != "hactl/watch/v1" || raw["apply"] != false || raw["source"].(map[string]any)["revision"].(map[string]any)["id"] != "1" {
			t.Errorf("%v %v %v", raw["version"], raw["apply"], raw["source"])
		}
		var again struct {
			Clusters []struct{ Phase, Digest string }
		}
		if err := json.Unmarshal([]byte(body), &again); err != nil || again.Clusters[0].Phase != "drifted" || !strings.HasPrefix(again.Clusters[0].Digest, "sha256:") {
			t.Errorf("%+v %v", again, err)
		}
	})
}

package ssh

import (
	"fmt"
	"testing"
)

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/config", `
Host node1
  HostName 10.0.0.1
  Port 2222
  User admin
Host 10.1.*
  User byaddress
Host short
  HostName %h.example.org
Host proxied
  ProxyCommand nc -X %r %h %p 100%%
Host off
  ProxyJump none
Host aliased
  HostKeyAlias real
Host *
  IdentityFile ~/.ssh/%h-%r
  ConnectTimeout 3
  ProxyJump a,b:2200
`)
	c, err := loadConfig(dir + "/config")
	if err != nil {
		t.Fatal(err)
	}
	c.home, c.user = "/home/me", "me"
	for _, x := range []struct {
		target Target
		want   string
	}{
		{Target{Name: "node1"}, "admin@10.0.0.1:2222 [10.0.0.1]:2222 [/home/me/.ssh/10.0.0.1-admin] [a b:2200]  3s"},
		{Target{Name: "node1", Address: "10.1.0.1", Port: 22, User: "root"}, "root@10.1.0.1:22 [10.1.0.1]:22 [/home/me/.ssh/10.1.0.1-root] [a b:2200]  3s"},
		{Target{Name: "x", Address: "10.1.0.1"}, "byaddress@10.1.0.1:22 [10.1.0.1]:22 [/home/me/.ssh/10.1.0.1-byaddress] [a b:2200]  3s"},
		{Target{Name: "y", Address: "short"}, "me@short.example.org:22 [short.example.org]:22 [/home/me/.ssh/short.example.org-me] [a b:2200]  3s"},
		{Target{Name: "off"}, "me@off:22 [off]:22 [/home/me/.ssh/off-me] []  3s"},
		{Target{Name: "aliased", Port: 5}, "me@aliased:5 [real]:22 [/home/me/.ssh/aliased-me] [a b:2200]  3s"},
		{Target{Name: "z", IdentityFiles: []string{"/k"}}, "me@z:22 [z]:22 [/k /home/me/.ssh/z-me] [a b:2200]  3s"},
	} {
		s, err := c.resolve(x.target, 0)
		got := fmt.Sprintf("%s@%s:%d %s %v %v %s %s", s.user, s.host, s.port, s.keyHost, s.identities, s.jump, s.proxy, s.timeout)
		if err != nil || got != x.want {
			t.Errorf("%+v: %v\n got %s\nwant %s", x.target, err, got, x.want)
		}
	}
}

func TestHopTarget(t *testing.T) {
	for hop, want := range map[string]string{
		"a": "@a:0", "u@a:22": "u@a:22", "ssh://u@a:22/": "u@a:22", "[::1]:5": "@::1:5", "::1": "@::1:0", "u@x@a": "u@x@a:0",
		"a:x": "error", "": "error", "[a": "error",
	} {
		h, err := hopTarget(hop)
		got := fmt.Sprintf("%s@%s:%d", h.User, h.Name, h.Port)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", hop, got, want)
		}
	}
}

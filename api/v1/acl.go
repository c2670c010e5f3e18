package v1

// ACLRole is a list of permissions that users and groups can be given. Its name is the XML id. ACLs hold only with the cluster property
// enable-acl; root and hacluster may always do everything.
type ACLRole struct {
	Object
	// Spec is the desired state.
	Spec ACLRoleSpec `json:"spec"`
}

// ACLRoleSpec is the desired state of an ACLRole.
type ACLRoleSpec struct {
	// Description is free text kept in the CIB.
	Description string `json:"description,omitempty" cib:"description"`
	// Permissions in their order; the later and more specific one wins as Pacemaker says in "Pacemaker Explained", ACLs.
	Permissions []ACLPermission `json:"permissions,omitempty"`
}

// ACLPermission permits or denies one thing: exactly one of XPath, Reference and ObjectType is given.
type ACLPermission struct {
	// Kind is read, write or deny.
	Kind string `json:"kind" cib:"kind" enum:"read write deny"`
	// XPath picks elements of the CIB, such as /cib or //constraints.
	XPath string `json:"xpath,omitempty" cib:"xpath"`
	// Reference is the id of one element.
	Reference string `json:"reference,omitempty" cib:"reference" ref:"any"`
	// ObjectType is the name of XML elements, such as primitive.
	ObjectType string `json:"objectType,omitempty" cib:"object-type"`
	// Attribute limits ObjectType to elements that have this attribute.
	Attribute string `json:"attribute,omitempty" cib:"attribute"`
	// Description is free text kept in the CIB.
	Description string `json:"description,omitempty" cib:"description"`
	// ID is the XML id; the default is ROLE-KIND with a number where there are several.
	ID string `json:"id,omitempty" cib:"id" check:"id"`
}

// ACLUser gives roles to a user of the operating system (acl_target). The user must be in the group haclient of every node.
type ACLUser struct {
	Object
	// Spec is the desired state.
	Spec ACLSubject `json:"spec"`
}

// ACLGroup gives roles to a group of the operating system (acl_group).
type ACLGroup struct {
	Object
	// Spec is the desired state.
	Spec ACLSubject `json:"spec"`
}

// ACLSubject is the desired state of an ACLUser or ACLGroup.
type ACLSubject struct {
	// Account is the user's or group's name where it is not the object's name (schema pacemaker-3.8 and newer).
	Account string `json:"account,omitempty" cib:"name"`
	// Roles are the names of ACLRoles.
	Roles []string `json:"roles,omitempty" ref:"role"`
}

// SetDefaults sets nothing but the type.
func (a *ACLRole) SetDefaults() { a.setType("ACLRole") }

func (a *ACLRole) validate(*checker) {}

func (p *ACLPermission) check(c *checker, o *Object, path string) {
	c.exactlyOne(o, path, choice{"xpath", p.XPath != ""}, choice{"reference", p.Reference != ""}, choice{"objectType", p.ObjectType != ""})
	if p.Attribute != "" && p.ObjectType == "" {
		c.errorf(o, path+".attribute", "needs objectType; an xpath can name an attribute itself")
	}
}

// SetDefaults sets nothing but the type.
func (a *ACLUser) SetDefaults() { a.setType("ACLUser") }

func (a *ACLUser) validate(*checker) {}

// SetDefaults sets nothing but the type.
func (a *ACLGroup) SetDefaults() { a.setType("ACLGroup") }

func (a *ACLGroup) validate(*checker) {}

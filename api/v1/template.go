package v1

// ResourceTemplate gives primitives that name it their agent and settings (template). Its name is the XML id.
type ResourceTemplate struct {
	Object
	// Spec is the desired state.
	Spec ResourceTemplateSpec `json:"spec"`
}

// ResourceTemplateSpec is the desired state of a ResourceTemplate: a primitive with an Agent and without a Template.
type ResourceTemplateSpec struct {
	Primitive
}

// Tag gives a name to a list of objects. Constraints may name it in place of a resource. Its name is the XML id.
type Tag struct {
	Object
	// Spec is the desired state.
	Spec TagSpec `json:"spec"`
}

// TagSpec is the desired state of a Tag.
type TagSpec struct {
	// Objects are the ids of resources, constraints or other elements of the CIB.
	Objects []string `json:"objects"`
}

// SetDefaults sets nothing but the type.
func (t *ResourceTemplate) SetDefaults() { t.setType("ResourceTemplate") }

func (t *ResourceTemplate) validate(c *checker) {}

// SetDefaults sets nothing but the type.
func (t *Tag) SetDefaults() { t.setType("Tag") }

func (t *Tag) validate(c *checker) {}

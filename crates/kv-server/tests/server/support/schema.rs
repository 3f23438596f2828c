//! JSON Schema as far as `/openapi.json` uses it, patterns and formats aside.

#![expect(clippy::panic, reason = "a failing test panics")]

use serde_json::Value;

/// Proves that a value is what a schema of the document allows.
#[track_caller]
pub(crate) fn check(document: &Value, schema: &Value, value: &Value) {
    if let Err(reason) = validate(document, schema, value) {
        panic!("{reason}\n{value}\nis not\n{schema}");
    }
}

/// Follows a reference within the document, such as `#/components/schemas/Bytes`.
pub(crate) fn resolved<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        None => part,
        Some(reference) => {
            let pointer = reference.trim_start_matches('#');
            resolved(document, document.pointer(pointer).expect("a reference leads somewhere"))
        }
    }
}

fn validate(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = resolved(document, schema);
    let fits = |schema: &&Value| validate(document, schema, value).is_ok();
    if let Some(constant) = schema.get("const")
        && constant != value
    {
        return Err(format!("{value} is not {constant}"));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return Err(format!("{value} is not one of {allowed:?}"));
    }
    if let Some(minimum) = schema["minimum"].as_i64()
        && value.as_i64().is_some_and(|number| number < minimum)
    {
        return Err(format!("{value} is less than {minimum}"));
    }
    if !has_type(&schema["type"], value) {
        return Err(format!("{value} is not of type {}", schema["type"]));
    }
    if let Some(any) = schema["anyOf"].as_array()
        && !any.iter().any(|schema| fits(&schema))
    {
        return Err(format!("{value} is none of {any:?}"));
    }
    if let Some(one) = schema["oneOf"].as_array()
        && one.iter().filter(fits).count() != 1
    {
        return Err(format!("{value} is not exactly one of {one:?}"));
    }
    if let Some(items) = value.as_array() {
        items.iter().try_for_each(|item| validate(document, &schema["items"], item))?;
    }
    validate_fields(document, schema, value)
}

fn validate_fields(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let Some(fields) = value.as_object() else { return Ok(()) };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(name.as_str().unwrap_or_default()) {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, field) in fields {
        match schema["properties"].get(name) {
            Some(schema) => validate(document, schema, field)?,
            None if schema["additionalProperties"] == false => {
                return Err(format!("there is no field {name}"));
            }
            None => {}
        }
    }
    Ok(())
}

/// `types` is one name, several, or nothing.
fn has_type(types: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not known to this test"),
    };
    match types {
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        Value::String(name) => is(name),
        _ => true,
    }
}
